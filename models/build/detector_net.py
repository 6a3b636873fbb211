"""The detector as a TensorFlow function: YuNet, at any size that is a multiple of 32, fit for int8.

The published graph is emitted again by `onnx_net`, with three changes, none of which
trains anything. The first convolution takes RGB. Reshaping at the end is left to the reader. The
four heads of each stride become one pair of convolutions, whose channels are evened out between
the two and at last each stretched onto 0 to 6, so that one scale serves scores and places alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.build.onnx_net import Emitter
from models.build.onnx_weights import Array, Node, Published

Tensor: TypeAlias = Any
Function: TypeAlias = Any
"""TensorFlow ships no types."""

DIGEST: Final = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
"""SHA-256 of face_detection_yunet_2023mar.onnx: OpenCV's model zoo, MIT."""

STRIDES_PX: Final = (8, 16, 32)
HEADS: Final = ("cls", "obj", "bbox", "kps")
"""Two logits, whose sigmoids' geometric mean is the score; centre and logarithm of the size; five
places. Places are in strides from the anchor's corner, sizes logarithms of strides."""

LOGITS: Final = 2
LOGIT_RANGE: Final = (-8.0, 8.0)
"""Logits beyond are as good as certain: sigmoid(8) is 0.9997."""

SEEN_LOGIT: Final = -2.0
"""Anchors with both logits above decide the range of the places."""

ROOM: Final = 0.2
ROOM_STRIDES: Final = 0.5
"""Left on either side of the range of places, as part of it and in strides."""

RELU6_TOP: Final = 6.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """How one head's channels were evened out, and laid on 0 to 6."""

    evening: NDArray[np.float32]
    """(16,), factors between the two convolutions."""
    offset: NDArray[np.float32]
    """(16,): value = stretched / factor - offset."""
    factor: NDArray[np.float32]
    """(16,)."""


class Detector:
    """The published net, ready to be emitted at one size."""

    def __init__(self, published: Published, width_px: int, height_px: int) -> None:
        self._published = published
        self._signature = [tf.TensorSpec((1, height_px, width_px, 3), tf.float32)]

    def bare(self) -> Function:
        """Return a function of (1, h, w, 3), 0 to 255, that gives two maps for each stride.

        The maps, (1, h / stride, w / stride, 16) each, are what the heads give between their two
        convolutions, and at last.
        """

        @tf.function(input_signature=self._signature, autograph=False)
        def detect(picture: Tensor) -> list[Tensor]:
            emitter = Emitter(self._published, picture, bgr=True)
            maps = []
            for stride_px in STRIDES_PX:
                head = self._head(stride_px)
                between = head.into(emitter.emit(head.feature))
                maps += [between, head.out(between)]
            return maps

        return detect

    def stretched(self, stretches: list[Stretch]) -> Function:
        """Return a function of (1, h, w, 3), 0 to 255, that gives one stretched map per stride."""

        @tf.function(input_signature=self._signature, autograph=False)
        def detect(picture: Tensor) -> list[Tensor]:
            emitter = Emitter(self._published, picture, bgr=True)
            maps = []
            for stride_px, stretch in zip(STRIDES_PX, stretches, strict=True):
                head = self._head(stride_px).laid(stretch)
                maps.append(tf.nn.relu6(head.out(head.into(emitter.emit(head.feature)))))
            return maps

        return detect

    def _head(self, stride_px: int) -> "_Head":
        makers = [self._last_convolution(f"{head}_{stride_px}") for head in HEADS]
        constants = self._published.constants
        before = [self._published.maker(node.input[0]) for node in makers]
        return _Head(
            before[0].input[0],
            *(np.concatenate([constants[node.input[at]] for node in before]) for at in (1, 2)),
            *(np.concatenate([constants[node.input[at]] for node in makers]) for at in (1, 2)),
        )

    def _last_convolution(self, name: str) -> Node:
        node = self._published.maker(name)
        while node.op_type != "Conv":
            node = self._published.maker(node.input[0])
        return node


@dataclass(frozen=True, slots=True)
class _Head:
    """The two convolutions after one feature: 1 x 1 to 16 channels, then 3 x 3 in each."""

    feature: str
    kernel_into: Array
    bias_into: Array
    kernel_out: Array
    bias_out: Array

    def into(self, x: Tensor) -> Tensor:
        return _convolved(x, self.kernel_into, self.bias_into)

    def out(self, x: Tensor) -> Tensor:
        return _convolved(x, self.kernel_out, self.bias_out)

    def laid(self, stretch: Stretch) -> "_Head":
        """Return the head with its channels evened out between and stretched at last."""
        shape = (-1, 1, 1, 1)
        return _Head(
            self.feature,
            self.kernel_into * stretch.evening.reshape(shape),
            self.bias_into * stretch.evening,
            self.kernel_out * (stretch.factor / stretch.evening).reshape(shape),
            (self.bias_out + stretch.offset) * stretch.factor,
        )


def stretches_of(maps: Iterable[list[NDArray[np.float32]]]) -> list[Stretch]:
    """Return the stretch of each head that fits what the bare net gave for some pictures.

    Evened out apart, stretched alike: in strides a face looks the same to every grid.
    """
    pictures = list(maps)
    last = [one[place] for one in pictures for place in range(1, 2 * len(STRIDES_PX), 2)]
    offset, factor = _range(last)
    between = [[one[2 * place] for one in pictures] for place in range(len(STRIDES_PX))]
    peaks = [np.max([np.abs(one).max(axis=(0, 1)) for one in maps], axis=0) for maps in between]
    return [Stretch((1 / peak).astype(np.float32), offset, factor) for peak in peaks]


def _range(last: list[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return offset and factor that lay all that was seen, and some room, on 0 to 6."""
    values = np.concatenate([one.reshape(-1, one.shape[-1]) for one in last])
    seen = values[(values[:, :LOGITS] > SEEN_LOGIT).all(axis=1)][:, LOGITS:]
    low, high = seen.min(axis=0), seen.max(axis=0)
    room = ROOM * (high - low) + ROOM_STRIDES
    lows = np.concatenate([[LOGIT_RANGE[0]] * LOGITS, low - room])
    highs = np.concatenate([[LOGIT_RANGE[1]] * LOGITS, high + room])
    return (-lows).astype(np.float32), (RELU6_TOP / (highs - lows)).astype(np.float32)


def _convolved(x: Tensor, kernel: Array, bias: Array) -> Tensor:
    if kernel.shape[1] == 1:
        laid = np.float32(kernel.transpose(2, 3, 0, 1))
        return tf.nn.depthwise_conv2d(x, laid, [1, 1, 1, 1], "SAME") + np.float32(bias)
    laid = np.float32(kernel.transpose(2, 3, 1, 0))
    return tf.nn.conv2d(x, laid, 1, "SAME") + np.float32(bias)
