"""The embedder as a TensorFlow function: dlib's ResNet, taking raw RGB and giving 128 numbers.

dlib subtracts a mean colour and divides by 256 before its first layer; both are folded into that
layer here, so that the quantised net takes the bytes of a picture as they are.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
import tensorflow as tf
from dlib_weights import Convolution, Weights

Tensor: TypeAlias = Any
Function: TypeAlias = Any
"""TensorFlow ships no types."""

CHIP_PX: Final = 150
MEAN_RGB: Final = np.float32([122.782, 117.001, 104.298])
"""dlib's mean colour; its `input_rgb_image_sized` subtracts it and divides by 256."""

LEVELS: Final = ((False, 3), (True, 3), (True, 2), (True, 2), (True, 0))
"""For each width of the network: does it begin by halving the size, and how many blocks follow."""


def embedder(weights: Weights) -> Function:
    """Return a function of (1, 150, 150, 3) float32, 0 to 255, that gives (1, 128)."""
    first, *others = weights.convolutions
    kernel = first.kernel / np.float32(256)
    bias = first.bias - np.einsum("hwio,i->o", kernel, MEAN_RGB)
    stem = Convolution(kernel, bias, first.stride, first.pad)

    @tf.function(input_signature=[tf.TensorSpec((1, CHIP_PX, CHIP_PX, 3), tf.float32)])
    def embed(chip: Tensor) -> Tensor:
        x = tf.nn.relu(_convolve(chip, stem))
        x = tf.nn.max_pool2d(x, 3, 2, "VALID")
        remaining = iter(others)
        for halving, blocks in LEVELS:
            if halving:
                x = _halving_block(x, remaining)
            for _ in range(blocks):
                x = _block(x, remaining)
        return tf.matmul(tf.reduce_mean(x, [1, 2]), weights.matrix)

    return embed


def _convolve(x: Tensor, layer: Convolution) -> Tensor:
    pads = [[0, 0], [layer.pad, layer.pad], [layer.pad, layer.pad], [0, 0]]
    # "SAME" is what dlib's pad of 1 means at stride 1, and needs no operation of its own.
    padding = "SAME" if layer.pad and layer.stride == 1 else pads
    return tf.nn.conv2d(x, layer.kernel, layer.stride, padding) + layer.bias


def _block(x: Tensor, layers: Iterator[Convolution]) -> Tensor:
    branch = tf.nn.relu(_convolve(x, next(layers)))
    return tf.nn.relu(x + _convolve(branch, next(layers)))


def _halving_block(x: Tensor, layers: Iterator[Convolution]) -> Tensor:
    branch = tf.nn.relu(_convolve(x, next(layers)))
    branch = _convolve(branch, next(layers))
    skip = tf.nn.avg_pool2d(x, 2, 2, "VALID")
    # dlib adds tensors of unequal size by filling the smaller with zeros at its far ends.
    rows, columns = (int(skip.shape[axis]) - int(branch.shape[axis]) for axis in (1, 2))
    channels = int(branch.shape[3]) - int(skip.shape[3])
    if rows or columns:
        branch = tf.pad(branch, [[0, 0], [0, rows], [0, columns], [0, 0]])
    if channels:
        skip = tf.pad(skip, [[0, 0], [0, 0], [0, 0], [0, channels]])
    return tf.nn.relu(skip + branch)
