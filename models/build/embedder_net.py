"""The embedder as a TensorFlow function: SFace's MobileNet, for int8 and for the Edge TPU.

Four things of the published net are changed, and none of them needs training.

1. Batch normalisation is folded into the convolution before it. The first one is folded, too, so
   the net takes pixels less 128.
2. PRELU, a slope for negative values in each channel, becomes the larger of a value and its product
   with the slope. Both operations are fast in int8, and PRELU is not. The result is the same for
   slopes up to 1. Three slopes are higher, by 12 % at most; they are taken as 1.
3. The last layer, two thirds of all weights, is split into two through `RANK` channels (low-rank
   factorisation), so that both nets fit the Edge TPU's memory.
4. The balanced mean of many faces (`centre.toml`) is subtracted from every answer, in the bias of
   the last layer. Without it, faces of some groups are alike in what they share.

The quantisation ranges of the activations come from the published normalisations, not from faces.
"""

import tomllib
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import tensorflow as tf

from models.build.onnx_weights import Array, Node, Published, attribute
from models.build.ranges import Range, holding

Tensor: TypeAlias = Any
Function: TypeAlias = Any
"""TensorFlow ships no types."""

DIGEST: Final = "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"
"""SHA-256 of face_recognition_sface_2021dec.onnx: OpenCV's model zoo, Apache-2.0."""

CHIP_PX: Final = 112
LAST_PX: Final = 7
"""Side of the map before the last layer."""

CENTRE_OFF: Final = 0.5
"""The published net subtracts 127.5; pixels less 128 are too low by this."""
SPREAD: Final = 128.0
"""The published net then divides by this."""

EPSILON: Final = 1e-3
EPSILON_LAST: Final = 2e-5
"""The published normalisations add these to a variance."""

RANK: Final = 256
"""Channels between the two halves of the last layer. With so many, both nets and their working
memory stay within the Edge TPU's 8 MB (`make models-check`)."""

CENTRE: Final = Path(__file__).resolve().parent / "centre.toml"


def embedder(published: Published) -> Function:
    """Return a function of (1, 112, 112, 3), RGB pixels less 128, that gives (1, 128)."""
    layers = [_layer(published, node) for node in published.of_kind("Conv")]
    last = _last(published)

    @tf.function(
        input_signature=[tf.TensorSpec((1, CHIP_PX, CHIP_PX, 3), tf.float32)], autograph=False
    )
    def embed(chip: Tensor) -> Tensor:
        x = chip
        for kernel, bias, slope, stride in layers:
            x = _sloped(_convolved(x, kernel, stride) + bias, slope)
        into, out, bias = last
        return tf.reshape(_valid(_valid(x, into), out) + bias, (1, -1))

    return embed


def ranges(published: Published) -> list[Range]:
    """Return the range of int8 before each activation, in the order of the net.

    The published normalisations say which mean and standard deviation each channel had on the
    makers' training pictures. The activations of one layer share one range.
    """
    found = []
    for node in published.of_kind("Conv"):
        name = _name(node)
        mean = published.constants[f"{name}_batchnorm_beta"]
        found.append(holding(mean, np.abs(published.constants[f"{name}_batchnorm_gamma"])))
    return found


def _layer(published: Published, node: Node) -> tuple[Tensor, Tensor, Tensor, int]:
    """Return kernel, bias, slope and stride of one convolution, with what follows folded in."""
    name = _name(node)
    constants = published.constants
    gain, shift = _normalisation(constants, f"{name}_batchnorm", EPSILON)
    kernel = constants[f"{name}_conv2d_weight"] * gain[:, None, None, None]
    if node.input[0] == "_mulscalar0":
        kernel = kernel / SPREAD
        shift = shift + CENTRE_OFF * kernel.sum(axis=(1, 2, 3))
    slope = np.minimum(constants[f"{name}_relu_gamma"].ravel(), 1)
    deep = attribute(node, "group") > 1
    laid = kernel.transpose(2, 3, 0, 1) if deep else kernel.transpose(2, 3, 1, 0)
    return np.float32(laid), np.float32(shift), np.float32(slope), attribute(node, "strides")[0]


def _name(node: Node) -> str:
    """Return what the names of a convolution's constants begin with."""
    return str(node.output[0]).removesuffix("_conv2d")


def _normalisation(constants: dict[str, Array], name: str, epsilon: float) -> tuple[Array, Array]:
    """Return factor and summand that are equal to a normalisation."""
    gain = constants[f"{name}_gamma"] / np.sqrt(constants[f"{name}_moving_var"] + epsilon)
    return gain, constants[f"{name}_beta"] - constants[f"{name}_moving_mean"] * gain


def _last(published: Published) -> tuple[Tensor, Tensor, Tensor]:
    """Return both halves of the last layer and its bias."""
    constants = published.constants
    gain, shift = _normalisation(constants, "bn1", EPSILON_LAST)
    gain_out, shift_out = _normalisation(constants, "fc1", EPSILON_LAST)
    weights = constants["pre_fc1_weight"].reshape(-1, len(gain), LAST_PX * LAST_PX)
    bias = constants["pre_fc1_bias"] + np.einsum("ocs,c->o", weights, shift)
    weights = weights * gain[None, :, None] * gain_out[:, None, None]
    into, out = _split(weights, np.sqrt(constants["bn1_moving_var"]))
    return into, out, np.float32(bias * gain_out + shift_out - _centre())


def _centre() -> Array:
    """Return the balanced mean of many faces, (128,)."""
    mean: Array = np.array(tomllib.loads(CENTRE.read_text("utf-8"))["mean"])
    return mean


def _split(weights: Array, spread: Array) -> tuple[Tensor, Tensor]:
    """Return two kernels whose product is nearest to the weights, (out, channels, 49).

    Each channel is weighted by its standard deviation in the makers' training.
    """
    outputs, channels, _ = weights.shape
    flat = weights.transpose(1, 2, 0).reshape(channels, -1)
    left, sizes, right = np.linalg.svd(flat * spread[:, None], full_matrices=False)
    half = np.sqrt(sizes[:RANK])
    into = left[:, :RANK] * half / spread[:, None]
    out = (right[:RANK] * half[:, None]).reshape(RANK, LAST_PX, LAST_PX, outputs)
    return np.float32(into[None, None]), np.float32(out.transpose(1, 2, 0, 3))


def _sloped(x: Tensor, slope: Tensor) -> Tensor:
    return tf.maximum(x, slope * x)


def _convolved(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    if stride > 1:
        x, padding = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), "VALID"
    else:
        padding = "SAME"
    if kernel.shape[3] == 1:
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], padding)
    return tf.nn.conv2d(x, kernel, stride, padding)


def _valid(x: Tensor, kernel: Tensor) -> Tensor:
    return tf.nn.conv2d(x, kernel, 1, "VALID")
