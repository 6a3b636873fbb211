"""Turns a TensorFlow function into an int8 net, or into its float form to measure with."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Function: TypeAlias = Any
Converter: TypeAlias = Any
"""TensorFlow ships no types."""


def float_net(function: Function) -> bytes:
    """Return the function as a float32 net."""
    return bytes(_converter(function).convert())


def int8_net(function: Function, samples: Iterator[NDArray[np.float32]]) -> bytes:
    """Return the function as a net of int8 alone, inputs and outputs included."""
    converter = _converter(function)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _converter(function: Function) -> Converter:
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], function
    )
