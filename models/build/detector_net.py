"""The detector as a TensorFlow function: BlazeFace full range, at any size, fit for int8.

The published file is float16 and made for 192 x 192. Its operations are walked one by one and
emitted again for the size asked for, with three changes that int8 and the Edge TPU need:
doubling of a map is nearest neighbour and a [1 2 1] blur, which is bilinear but for the outermost
row; reshaping at the end is left to the reader; and both heads become one convolution whose
channels are each stretched onto 0 to 6, so that one scale serves scores and places alike.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema

Tensor: TypeAlias = Any
Function: TypeAlias = Any
Operation: TypeAlias = Any
"""TensorFlow ships no types."""

DIGEST: Final = "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3"
"""SHA-256 of face_detection_full_range.tflite: MediaPipe, Apache-2.0."""

LOGIT_RANGE: Final = (-8.0, 8.0)
"""Logits beyond are as good as certain: sigmoid(8) is 0.9997."""

SEEN_LOGIT: Final = -1.0
"""Anchors above this logit decide the range of the places."""

RELU6_TOP: Final = 6.0
BLUR: Final = np.float32(np.outer([1, 2, 1], [1, 2, 1]) / 16)

OPERATIONS: Final = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """How the head's channels were laid on 0 to 6: value = stretched / factor - offset."""

    offset: NDArray[np.float32]
    """(17,)."""
    factor: NDArray[np.float32]
    """(17,)."""


class Walk:
    """The published net, ready to be emitted at another size."""

    def __init__(self, raw: bytes) -> None:
        if hashlib.sha256(raw).hexdigest() != DIGEST:
            raise SystemExit("This is not the detector this recipe was written for.")
        model = schema.ModelT.InitFromPackedBuf(raw, 0)
        self._graph = model.subgraphs[0]
        self._buffers = model.buffers
        self._codes = [OPERATIONS[code.builtinCode] for code in model.operatorCodes]
        self._head_maps = {
            one.inputs[0]
            for one in self._graph.operators
            if self._codes[one.opcodeIndex] == "RESHAPE"
        }

    def detector(self, width_px: int, height_px: int, stretch: Stretch | None) -> Function:
        """Return a function of (1, height, width, 3), -1 to 1, that gives (1, h/4, w/4, 17)."""

        @tf.function(
            input_signature=[tf.TensorSpec((1, height_px, width_px, 3), tf.float32)],
            autograph=False,  # There is nothing to rewrite, and it stumbles over `match`.
        )
        def detect(picture: Tensor) -> Tensor:
            return self._emit(picture, stretch)

        return detect

    def _emit(self, picture: Tensor, stretch: Stretch | None) -> Tensor:
        maps: dict[int, Tensor] = {int(self._graph.inputs[0]): picture}
        heads: list[tuple[Tensor, Tensor, Tensor]] = []
        for operation in self._graph.operators:
            name = self._codes[operation.opcodeIndex]
            read, written = operation.inputs, operation.outputs[0]
            if name == "DEQUANTIZE":
                maps[written] = self._constant(read[0])
            elif written in self._head_maps:
                heads.append((maps[read[0]], maps[read[1]], maps[read[2]]))
            elif name != "RESHAPE":
                maps[written] = self._operation(name, operation, maps)
        return _head(heads, stretch)

    def _constant(self, index: int) -> NDArray[np.float32]:
        tensor = self._graph.tensors[index]
        values = bytes(self._buffers[tensor.buffer].data)
        return np.frombuffer(values, np.float16).reshape(tensor.shape).astype(np.float32)

    def _operation(self, name: str, operation: Operation, maps: dict[int, Tensor]) -> Tensor:
        x, *operands = (maps.get(index) for index in operation.inputs)
        options = operation.builtinOptions
        match name:
            case "CONV_2D":
                result = _convolve(x, *operands, options)
            case "DEPTHWISE_CONV_2D":
                result = _convolve_depthwise(x, *operands, options)
            case "MAX_POOL_2D":
                size = options.filterHeight
                result = tf.nn.max_pool2d(x, size, options.strideH, _padding(options))
            case "RELU":
                result = tf.nn.relu(x)
            case "ADD":
                result = x + operands[0]
            case "PAD":
                tensor = self._graph.tensors[operation.inputs[1]]
                pads = np.frombuffer(bytes(self._buffers[tensor.buffer].data), np.int32)
                result = tf.pad(x, pads.reshape(4, 2))
            case "RESIZE_BILINEAR":
                result = _doubled(x)
            case _:
                raise SystemExit(f"The detector holds an unknown operation: {name}.")
        return result


def stretch_of(raw_maps: Iterator[NDArray[np.float32]]) -> Stretch:
    """Return the stretch that fits what the float net gave, (h, w, 17) each."""
    seen = np.concatenate([one[one[..., 0] > SEEN_LOGIT][:, 1:] for one in raw_maps])
    low, high = seen.min(axis=0), seen.max(axis=0)
    room = 0.1 * (high - low) + 1  # 20 % and 2 px in all, half on either side.
    lows = np.concatenate([[LOGIT_RANGE[0]], low - room])
    highs = np.concatenate([[LOGIT_RANGE[1]], high + room])
    return Stretch(np.float32(-lows), np.float32(RELU6_TOP / (highs - lows)))


def _head(heads: list[tuple[Tensor, Tensor, Tensor]], stretch: Stretch | None) -> Tensor:
    heads.sort(key=lambda head: int(head[1].shape[0]))  # Score (1) before places (16).
    kernel = np.concatenate([kernel for _, kernel, _ in heads])
    bias = np.concatenate([bias for _, _, bias in heads])
    x = heads[0][0]
    if stretch is None:
        return tf.nn.conv2d(x, kernel.transpose(1, 2, 3, 0), 1, "VALID") + bias
    kernel = kernel * stretch.factor[:, None, None, None]
    bias = (bias + stretch.offset) * stretch.factor
    return tf.nn.relu6(tf.nn.conv2d(x, kernel.transpose(1, 2, 3, 0), 1, "VALID") + bias)


def _convolve(x: Tensor, kernel: Tensor, bias: Tensor, options: Operation) -> Tensor:
    padding = _padding(options)
    return tf.nn.conv2d(x, kernel.transpose(1, 2, 3, 0), options.strideH, padding) + bias


def _convolve_depthwise(x: Tensor, kernel: Tensor, bias: Tensor, options: Operation) -> Tensor:
    strides = [1, options.strideH, options.strideW, 1]
    return (
        tf.nn.depthwise_conv2d(x, kernel.transpose(1, 2, 3, 0), strides, _padding(options)) + bias
    )


def _padding(options: Operation) -> str:
    return "SAME" if options.padding == schema.Padding.SAME else "VALID"


def _doubled(x: Tensor) -> Tensor:
    """Return the map at twice its size."""
    _, height, width, channels = x.shape
    # Half-pixel centres would raise the operation to a version that edgetpu_compiler refuses
    # (google-coral/edgetpu #187); at exactly twice the size both give the same map.
    larger = tf.raw_ops.ResizeNearestNeighbor(
        images=x, size=[2 * height, 2 * width], align_corners=False, half_pixel_centers=False
    )
    blur = np.repeat(BLUR[:, :, None, None], channels, axis=2)
    return tf.nn.depthwise_conv2d(larger, blur, [1, 1, 1, 1], "SAME")
