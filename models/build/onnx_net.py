"""Convert an ONNX graph to TensorFlow, channels last, in operations that are fast in int8.

The operations of detectors and embedders of faces are supported; every other operation is refused
by name. PRELU becomes the larger of a value and its product with the slope, as in `embedder_net`,
because int8 kernels for PRELU are slow. ONNX flattens a map channels first; here the order of the
weights after a flattened map is changed instead.
"""

from typing import Any, Final, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.build.onnx_weights import Array, Node, Published, attribute

Tensor: TypeAlias = Any
"""TensorFlow ships no types."""

EPSILON: Final = 1e-5
"""ONNX's default, for a normalisation without an epsilon."""
MAP_DIMENSIONS: Final = 4
RELU6_TOP: Final = 6.0


class Emitter:
    """One conversion of a published graph, from its input to the outputs that are asked for."""

    def __init__(self, published: Published, picture: Tensor, *, bgr: bool = False) -> None:
        """Start at the input.

        Args:
            published: the net.
            picture: (1, height, width, 3), RGB, normalised as the net needs it.
            bgr: whether the net was published for BGR; its first convolution is then reversed.
        """
        self._constants = published.constants
        self._published = published
        self._input = published.inputs[0]
        self._bgr = bgr
        self._emitted = {self._input: picture}
        self._flat: dict[str, tuple[int, ...]] = {}

    def emit(self, name: str) -> Tensor:
        """Return the tensor `name` of the graph; convert each operation before it once."""
        if name not in self._emitted:
            node = self._published.maker(name)
            operation = getattr(self, f"_{node.op_type.lower()}", None)
            if operation is None:
                raise SystemExit(
                    f"The net holds {node.op_type}, which this recipe does not support: "
                    "export the net without it."
                )
            self._emitted[name] = operation(node)
        return self._emitted[name]

    def _constant(self, node: Node, at: int) -> Array:
        return self._constants[node.input[at]]

    def _either(self, name: str) -> Tensor:
        """Return a map, or a constant with one value for each channel."""
        if name not in self._constants:
            return self.emit(name)
        return np.float32(self._constants[name].reshape(-1))

    def _conv(self, node: Node) -> Tensor:
        x, kernel = self.emit(node.input[0]), self._constant(node, 1)
        stride, group = _strides(node), attribute(node, "group", 1)
        x, padding = _padded(x, node, kernel)
        if self._bgr and node.input[0] == self._input:
            kernel = kernel[:, ::-1]
        if group == 1:
            laid = np.float32(kernel.transpose(2, 3, 1, 0))
            result = tf.nn.conv2d(x, laid, stride, padding)
        elif group == x.shape[-1] and kernel.shape[0] == group:
            laid = np.float32(kernel.transpose(2, 3, 0, 1))
            result = tf.nn.depthwise_conv2d(x, laid, [1, stride, stride, 1], padding)
        else:
            raise SystemExit(
                "The net holds a grouped convolution, which int8 kernels do not support."
            )
        with_bias = len(node.input) > 2  # noqa: PLR2004 - map, kernel, bias
        return result + np.float32(self._constant(node, 2)) if with_bias else result

    def _batchnormalization(self, node: Node) -> Tensor:
        gamma, beta, mean, variance = (self._constant(node, at) for at in range(1, 5))
        gain = gamma / np.sqrt(variance + attribute(node, "epsilon", EPSILON))
        shift = beta - mean * gain
        name = node.input[0]
        x = self.emit(name)
        if name in self._flat:
            self._flat[node.output[0]] = self._flat[name]
            order = _order(self._flat[name])
            gain, shift = gain[order], shift[order]
        return x * np.float32(gain) + np.float32(shift)

    def _prelu(self, node: Node) -> Tensor:
        x, slope = self.emit(node.input[0]), self._constant(node, 1).reshape(-1)
        bent = tf.maximum(x, np.float32(np.minimum(slope, 1)) * x)
        if (slope > 1).any():
            bent += np.float32(np.maximum(slope - 1, 0)) * tf.minimum(x, 0.0)
        return bent

    def _relu(self, node: Node) -> Tensor:
        return tf.nn.relu(self.emit(node.input[0]))

    def _clip(self, node: Node) -> Tensor:
        bounds = [self._constants[one].item() for one in node.input[1:] if one]
        low, high = bounds or (attribute(node, "min"), attribute(node, "max"))
        if (low, high) != (0.0, RELU6_TOP):
            raise SystemExit("The net clips at other bounds than 0 and 6: int8 kernels need these.")
        return tf.nn.relu6(self.emit(node.input[0]))

    def _maxpool(self, node: Node) -> Tensor:
        size = attribute(node, "kernel_shape")[0]
        return tf.nn.max_pool2d(self.emit(node.input[0]), size, _strides(node), "VALID")

    def _globalaveragepool(self, node: Node) -> Tensor:
        return tf.reduce_mean(self.emit(node.input[0]), axis=(1, 2), keepdims=True)

    def _resize(self, node: Node) -> Tensor:
        x = self.emit(node.input[0])
        _, height, width, _ = x.shape
        # Half-pixel centres would raise the operation to a version that edgetpu_compiler refuses
        # (google-coral/edgetpu #187); at exactly twice the size both give the same map.
        return tf.raw_ops.ResizeNearestNeighbor(
            images=x, size=[2 * height, 2 * width], align_corners=False, half_pixel_centers=False
        )

    def _add(self, node: Node) -> Tensor:
        return self._either(node.input[0]) + self._either(node.input[1])

    def _sub(self, node: Node) -> Tensor:
        return self._either(node.input[0]) - self._either(node.input[1])

    def _mul(self, node: Node) -> Tensor:
        return self._either(node.input[0]) * self._either(node.input[1])

    def _div(self, node: Node) -> Tensor:
        return self._either(node.input[0]) / self._either(node.input[1])

    def _dropout(self, node: Node) -> Tensor:
        return self._same(node)

    def _identity(self, node: Node) -> Tensor:
        return self._same(node)

    def _same(self, node: Node) -> Tensor:
        if node.input[0] in self._flat:
            self._flat[node.output[0]] = self._flat[node.input[0]]
        return self.emit(node.input[0])

    def _flatten(self, node: Node) -> Tensor:
        x = self.emit(node.input[0])
        self._flat[node.output[0]] = tuple(int(length) for length in x.shape[1:])
        return tf.reshape(x, (1, -1))

    def _reshape(self, node: Node) -> Tensor:
        x = self.emit(node.input[0])
        if len(x.shape) != MAP_DIMENSIONS:
            raise SystemExit(
                "The net reshapes a tensor that is not its last map: export it without."
            )
        return self._flatten(node)

    def _gemm(self, node: Node) -> Tensor:
        weights = self._constant(node, 1)
        weights = weights.T if attribute(node, "transB", 0) else weights
        x = self.emit(node.input[0])
        if node.input[0] in self._flat:
            weights = weights[_order(self._flat[node.input[0]])]
        return tf.matmul(x, np.float32(weights)) + np.float32(self._constant(node, 2).reshape(-1))


def _padded(x: Tensor, node: Node, kernel: Array) -> tuple[Tensor, str]:
    """Return the map, padded where TensorFlow would pad it differently, and TensorFlow's mode."""
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    half = (kernel.shape[2] - 1) // 2
    if _strides(node) == 1 and (top, left, bottom, right) == (half,) * 4:
        return x, "SAME"
    if any((top, left, bottom, right)):
        x = tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]])
    return x, "VALID"


def _strides(node: Node) -> int:
    strides: list[int] = attribute(node, "strides", [1, 1])
    if strides[0] != strides[1]:
        raise SystemExit("The net has different strides across and down: this recipe needs one.")
    return strides[0]


def _order(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the place, channels first, of each value of a map that was flattened channels last."""
    height, width, channels = shape
    places = np.arange(height * width * channels).reshape(channels, height, width)
    return places.transpose(1, 2, 0).reshape(-1)
