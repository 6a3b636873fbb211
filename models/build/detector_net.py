"""The detector as a TensorFlow function: YuNet, for int8, at any size that is a multiple of 32.

`onnx_net` emits the published graph again. Three things are changed, and none of them needs
training. The first convolution takes RGB. The reshaping at the end is left out; `recognition`
decodes the maps. The four heads of each stride become one pair of convolutions. Their channels are
scaled to one range between the two (cross-layer equalisation), and the last ones are mapped to 0 to
6, so that one scale of int8 fits scores and places.
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
"""Two logits, the geometric mean of whose sigmoids is the score; centre and logarithm of the size;
five points. Places are in strides from the anchor's corner, sizes are logarithms of strides."""

LOGITS: Final = 2
LOGIT_RANGE: Final = (-8.0, 8.0)
"""A logit beyond these counts as certain: sigmoid(8) is 0.9997."""

SEEN_LOGIT: Final = -2.0
"""Anchors with both logits above this decide the range of the places."""

ROOM: Final = 0.2
ROOM_STRIDES: Final = 0.5
"""Margin on both sides of the range of places: as part of it, and in strides."""

RELU6_TOP: Final = 6.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """The factors that equalise one head's channels and map its outputs to 0 to 6."""

    equalisation: NDArray[np.float32]
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

        The maps, (1, h / stride, w / stride, 16) each, are the outputs of the first and of the
        second convolution of the heads.
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
                head = self._head(stride_px).stretched(stretch)
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
    """The two convolutions after one feature: 1 x 1 to 16 channels, then 3 x 3 in each channel."""

    feature: str
    kernel_into: Array
    bias_into: Array
    kernel_out: Array
    bias_out: Array

    def into(self, x: Tensor) -> Tensor:
        return _convolved(x, self.kernel_into, self.bias_into)

    def out(self, x: Tensor) -> Tensor:
        return _convolved(x, self.kernel_out, self.bias_out)

    def stretched(self, stretch: Stretch) -> "_Head":
        """Return the head with equalised channels and outputs mapped to 0 to 6."""
        shape = (-1, 1, 1, 1)
        return _Head(
            self.feature,
            self.kernel_into * stretch.equalisation.reshape(shape),
            self.bias_into * stretch.equalisation,
            self.kernel_out * (stretch.factor / stretch.equalisation).reshape(shape),
            (self.bias_out + stretch.offset) * stretch.factor,
        )


def stretches_of(maps: Iterable[list[NDArray[np.float32]]]) -> list[Stretch]:
    """Return the stretch of each head, measured on the outputs of the bare net for some pictures.

    Each head is equalised by itself. The mapping to 0 to 6 is the same for all, because a face
    measured in strides looks the same to every grid.
    """
    pictures = list(maps)
    last = [one[place] for one in pictures for place in range(1, 2 * len(STRIDES_PX), 2)]
    offset, factor = _range(last)
    between = [[one[2 * place] for one in pictures] for place in range(len(STRIDES_PX))]
    peaks = [np.max([np.abs(one).max(axis=(0, 1)) for one in maps], axis=0) for maps in between]
    return [Stretch((1 / peak).astype(np.float32), offset, factor) for peak in peaks]


def _range(last: list[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return offset and factor that map the measured range, with a margin, to 0 to 6."""
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
