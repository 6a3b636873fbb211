"""Quantisation ranges of activations with a slope (PRELU), corrected after the calibration.

The recipe writes a slope as MAXIMUM(x, MUL(x, slope)). In int8 x, the product and the result share
one range. TensorFlow's converter takes the range of the result for all three. A negative x below
the lowest result would then be cut off before the slope multiplies it. This module gives all three
a range that holds x. It changes no other range, and no weight.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import flatbuffers  # type: ignore[import-untyped]
from tensorflow.lite.python import schema_py_generated as schema

Table: TypeAlias = Any
"""The generated readers of the file format carry no types."""

Range: TypeAlias = tuple[float, float]
"""The lowest and the highest value that int8 holds; values beyond are cut off."""

OPERATIONS: Final = schema.BuiltinOperator
MARK: Final = b"TFL3"
"""Identifier of a TFLite file."""


class RangesRefused(Exception):
    """There are other ranges than activations with a slope."""


def corrected(calibrated: bytes, ranges: Sequence[Range]) -> bytes:
    """Return a calibrated net with a range before each activation that holds its input.

    Args:
        calibrated: a float net with the lowest and highest values that the calibration saw.
        ranges: the range of each activation with a slope, in the net's order. If it is empty, each
            range is what the calibration saw of x and of the result.

    Raises:
        RangesRefused: there are more or fewer ranges than activations with a slope.
    """
    model = schema.ModelT.InitFromPackedBuf(calibrated, 0)
    graph = model.subgraphs[0]
    slopes = [one for one in _kind(model, OPERATIONS.MAXIMUM) if _product(model, one) is not None]
    if ranges and len(ranges) != len(slopes):
        raise RangesRefused(f"{len(ranges)} ranges for {len(slopes)} activations with a slope.")
    padded = {one.inputs[0]: one for one in _kind(model, OPERATIONS.PAD)}
    for at, maximum in enumerate(slopes):
        taken = [*maximum.inputs, maximum.outputs[0]]
        seen = [graph.tensors[index].quantization for index in taken]
        low, high = ranges[at] if ranges else _hull(seen)
        if maximum.outputs[0] in padded:
            taken.append(padded[maximum.outputs[0]].outputs[0])
        for index in taken:
            graph.tensors[index].quantization.min = [low]
            graph.tensors[index].quantization.max = [high]
    builder = flatbuffers.Builder(len(calibrated))
    builder.Finish(model.Pack(builder), MARK)
    return bytes(builder.Output())


def _kind(model: Table, kind: int) -> list[Table]:
    """Return the operations of one kind, in the net's order."""
    codes = [max(one.builtinCode, one.deprecatedBuiltinCode) for one in model.operatorCodes]
    return [one for one in model.subgraphs[0].operators if codes[one.opcodeIndex] == kind]


def _product(model: Table, maximum: Table) -> Table | None:
    """Return the MUL that gives one input of a maximum and takes the other; None without one."""
    for one in _kind(model, OPERATIONS.MUL):
        given = one.outputs[0]
        if given in maximum.inputs and set(maximum.inputs) - {given} <= set(one.inputs):
            return one
    return None


def _hull(seen: list[Table]) -> Range:
    """Return the smallest range that holds several."""
    return min(float(one.min[0]) for one in seen), max(float(one.max[0]) for one in seen)
