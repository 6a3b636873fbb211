"""Quantisation ranges of activations with a slope (PRELU), corrected after the calibration.

The recipe writes a slope as MAXIMUM(x, MUL(x, slope)). In int8 x, the product and the result share
one range. TensorFlow's converter takes the range of the result for all three. A negative x below
the lowest result would then be cut off before the slope multiplies it. This module gives all three
a range that holds x. It changes no other range, and no weight.

A range follows from the mean and the standard deviation of each channel of x (`holding`). Either
the net's makers published them, or they are measured on samples (`measured`).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema

from models.build.onnx_weights import Array

Table: TypeAlias = Any
"""The generated readers of the file format carry no types."""

Range: TypeAlias = tuple[float, float]
"""The lowest and the highest value that int8 holds; values beyond are cut off."""

SPREADS_BELOW: Final = 6.0
SPREADS_ABOVE: Final = 9.0
"""Standard deviations of a channel that int8 holds below and above its mean. A wider range rounds
more coarsely, a narrower one cuts more off; a slope makes what is below count less. Between 5 and 9
the cosine to the float net hardly changes (`docs/decisions/0035-quantisation-ranges.md`)."""

OPERATIONS: Final = schema.BuiltinOperator
MARK: Final = b"TFL3"
"""Identifier of a TFLite file."""


class RangesRefused(Exception):
    """There are other ranges than activations with a slope."""


def holding(mean: Array, spread: Array) -> Range:
    """Return the range that holds every channel of x.

    Args:
        mean: (channels,).
        spread: (channels,), standard deviations.
    """
    low, high = (mean - SPREADS_BELOW * spread).min(), (mean + SPREADS_ABOVE * spread).max()
    return float(low), float(high)


def measured(content: bytes, samples: Iterable[NDArray[np.float32]]) -> list[Range]:
    """Return the range of each activation with a slope in a float net, in the net's order."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    places = [taken for _, taken in _slopes(model)]
    net = tf.lite.Interpreter(model_content=content, experimental_preserve_all_tensors=True)
    net.allocate_tensors()
    moments: list[list[Array]] = [[] for _ in places]
    for sample in samples:
        net.set_tensor(net.get_input_details()[0]["index"], sample[None])
        net.invoke()
        for place, seen in zip(places, moments, strict=True):
            values = net.get_tensor(place).astype(np.float64)
            values = values.reshape(-1, values.shape[-1])
            seen.append(np.array([values.mean(axis=0), (values**2).mean(axis=0)]))
    averages = [np.mean(seen, axis=0) for seen in moments]
    return [holding(mean, np.sqrt(np.maximum(square - mean**2, 0.0))) for mean, square in averages]


def corrected(calibrated: bytes, ranges: Sequence[Range]) -> bytes:
    """Return a calibrated net with these ranges at its activations with a slope.

    Args:
        calibrated: a float net with the lowest and highest values that the calibration saw.
        ranges: the range of each activation with a slope, in the net's order.

    Raises:
        RangesRefused: there are more or fewer ranges than activations with a slope.
    """
    model = schema.ModelT.InitFromPackedBuf(calibrated, 0)
    tensors = model.subgraphs[0].tensors
    slopes = _slopes(model)
    if len(ranges) != len(slopes):
        raise RangesRefused(f"{len(ranges)} ranges for {len(slopes)} activations with a slope.")
    padded = {one.inputs[0]: one.outputs[0] for one in _kind(model, OPERATIONS.PAD)}
    for (low, high), (maximum, _) in zip(ranges, slopes, strict=True):
        given = maximum.outputs[0]
        for index in {*maximum.inputs, given, padded.get(given, given)}:
            tensors[index].quantization.min = [low]
            tensors[index].quantization.max = [high]
    builder = flatbuffers.Builder(len(calibrated))
    builder.Finish(model.Pack(builder), MARK)
    return bytes(builder.Output())


def _slopes(model: Table) -> list[tuple[Table, int]]:
    """Return each MAXIMUM of x and a MUL of x, with the tensor of x, in the net's order."""
    products = {one.outputs[0]: one for one in _kind(model, OPERATIONS.MUL)}
    return [
        (one, int(taken))
        for one in _kind(model, OPERATIONS.MAXIMUM)
        for product, taken in (one.inputs, one.inputs[::-1])
        if product in products and taken in products[product].inputs
    ]


def _kind(model: Table, kind: int) -> list[Table]:
    """Return the operations of one kind, in the net's order."""
    codes = [max(one.builtinCode, one.deprecatedBuiltinCode) for one in model.operatorCodes]
    return [one for one in model.subgraphs[0].operators if codes[one.opcodeIndex] == kind]
