"""Quantisation: turn a TensorFlow function into an int8 or a float32 net, and compare the two."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python.convert import mlir_quantize

from models.build.ranges import Range, corrected

Function: TypeAlias = Any
Converter: TypeAlias = Any
"""TensorFlow ships no types."""


def float_net(function: Function) -> bytes:
    """Return the function as a float32 net."""
    return bytes(_converter(function).convert())


def int8_net(
    function: Function, samples: Iterator[NDArray[np.float32]], ranges: Sequence[Range] = ()
) -> bytes:
    """Return the function as a net of int8 alone, inputs and outputs included.

    Args:
        function: the net.
        samples: inputs, on which the ranges of all values are measured.
        ranges: the range of each activation with a slope, in the net's order; none for a net
            without slopes.
    """
    converter = _Quantiser.from_concrete_functions([function.get_concrete_function()], function)
    converter.ranges = ranges
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two nets answer: the cosines of all their outputs, over some samples."""

    samples: int
    least: float
    median: float

    def __str__(self) -> str:
        return (
            f"cosine {self.least:.4f} at worst, {self.median:.4f} in the middle of "
            f"{self.samples} samples"
        )


def likeness_of(
    original: bytes, quantised: bytes, samples: Sequence[NDArray[np.float32]]
) -> Likeness:
    """Return how alike two nets answer the same samples."""
    nets = [tf.lite.Interpreter(model_content=one) for one in (original, quantised)]
    for net in nets:
        net.allocate_tensors()
    one, other = (np.array([_answer(net, sample) for sample in samples]) for net in nets)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines = (one * other).sum(axis=1) / lengths
    return Likeness(len(samples), float(cosines.min()), float(np.median(cosines)))


def _answer(net: Any, sample: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: ANN401
    """Return all outputs of a net, as real numbers in one row."""
    taken = net.get_input_details()[0]
    if taken["dtype"] is np.int8:
        scale, zero = taken["quantization"]
        sample = np.clip(np.rint(sample / scale + zero), -128, 127).astype(np.int8)
    net.set_tensor(taken["index"], sample[None])
    net.invoke()
    answers = []
    for given in sorted(net.get_output_details(), key=lambda one: str(tuple(one["shape"]))):
        values = net.get_tensor(given["index"]).reshape(-1).astype(np.float64)
        if given["dtype"] is np.int8:
            scale, zero = given["quantization"]
            values = (values - zero) * scale
        answers.append(values)
    return np.concatenate(answers)


class _Quantiser(tf.lite.TFLiteConverter):  # type: ignore[misc]
    """The converter, which corrects the measured ranges before it uses them."""

    ranges: Sequence[Range] = ()

    def _quantize(self, net: bytes, taken: Any, given: Any, *others: Any) -> bytes:  # noqa: ANN401
        self._experimental_calibrate_only = True
        calibrated = corrected(super()._quantize(net, taken, given, *others), self.ranges)
        return bytes(mlir_quantize(calibrated, input_data_type=taken, output_data_type=given))


def _converter(function: Function) -> Converter:
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], function
    )
