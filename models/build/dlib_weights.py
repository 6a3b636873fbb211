"""Reads the layers of dlib's face recognition network out of its serialised file.

The file is dlib's own format: integers and texts carry their length, tensors are little-endian
float32. Layers are found by their length-prefixed names and come from input to output. Anything
but the expected 29 convolutions, 29 affine layers and one matrix is refused.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DIGEST: Final = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
"""SHA-256 of dlib_face_recognition_resnet_model_v1.dat, CC0, by Davis King."""

CONVOLUTIONS: Final = 29
LAYER_NAME: Final = re.compile(rb"\x01\x05con_4|\x01\x07affine_|\x01\x04fc_2")


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution with its affine layer folded in."""

    kernel: NDArray[np.float32]
    """(height, width, in, out)."""
    bias: NDArray[np.float32]
    """(out,)."""
    stride: int
    pad: int


@dataclass(frozen=True, slots=True)
class Weights:
    """The whole network."""

    convolutions: tuple[Convolution, ...]
    matrix: NDArray[np.float32]
    """(256, 128)."""


class _Reader:
    """A cursor over dlib's serialisation."""

    def __init__(self, raw: bytes, at: int) -> None:
        self._raw = raw
        self._at = at

    def integer(self) -> int:
        head = self._raw[self._at]
        end = self._at + 1 + (head & 0x0F)
        value = int.from_bytes(self._raw[self._at + 1 : end], "little")
        self._at = end
        return -value if head & 0x80 else value

    def tensor(self) -> NDArray[np.float32]:
        if self.integer() != 2:  # noqa: PLR2004 - the format's version
            raise SystemExit("The weights hold a tensor of another version than 2.")
        shape = [self.integer() for _ in range(4)]
        count = int(np.prod(shape))
        values = np.frombuffer(self._raw, "<f4", count, self._at)
        self._at += 4 * count
        return values.reshape(shape)


def read_weights(raw: bytes) -> Weights:
    """Return the network in `raw`, the bytes of the .dat file."""
    if hashlib.sha256(raw).hexdigest() != DIGEST:
        raise SystemExit("These are not the weights this recipe was written for.")
    found = [(match.group()[2:], match.end()) for match in LAYER_NAME.finditer(raw)]
    if [name for name, _ in found] != [b"con_4", b"affine_"] * CONVOLUTIONS + [b"fc_2"]:
        raise SystemExit("The weights hold other layers than expected.")
    places = [at for _, at in found]
    pairs = zip(places[:-1:2], places[1:-1:2], strict=True)
    matrix = _Reader(raw, places[-1])
    outputs, inputs = matrix.integer(), matrix.integer()
    return Weights(
        tuple(_convolution(raw, convolution, affine) for convolution, affine in pairs),
        matrix.tensor().reshape(inputs, outputs),
    )


def _convolution(raw: bytes, at: int, affine_at: int) -> Convolution:
    reader = _Reader(raw, at)
    values = reader.tensor().ravel()
    out, height, width, stride, _, pad, _ = (reader.integer() for _ in range(7))
    kernel = values[:-out].reshape(out, -1, height, width).transpose(2, 3, 1, 0)
    gamma, beta = _Reader(raw, affine_at).tensor().reshape(2, out)
    return Convolution(kernel * gamma, values[-out:] * gamma + beta, stride, pad)
