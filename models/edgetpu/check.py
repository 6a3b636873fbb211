"""Check before compilation whether the nets would run whole on the Edge TPU; exit 1 if not.

A net with slopes is checked in both forms: MAXIMUM and MUL, as the processor runs it, and PRELU, as
it is compiled (`models.edgetpu.prelu`). Both must give the same answers.

Operations, quantisation, shapes and sizes are compared with the published rules of the compiler
(coral.ai, "TensorFlow models on the Edge TPU", runtime 13 and later). What these rules allow, but a
public issue reports as refused, is printed as reported. The compiler has further rules that are not
published: a net that fails here would not be mapped whole, and one that passes can still be
refused.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from models import FOLDER
from models.edgetpu.prelu import FormsDiffer, compare, prelu_form, slopes

Table: TypeAlias = Any
"""The generated readers of the file format carry no types."""


ON_CHIP_BYTES: Final = 8 * 2**20
"""Memory of the Edge TPU: parameters of all co-compiled nets, program and activations share it."""

RESIZE_VERSION_MAX: Final = 2
"""Half-pixel centres raise the version to 3: "Operation version not supported" (edgetpu #187)."""

INNER_AXES: Final = 3
"""Only the three innermost dimensions of a tensor may be longer than 1."""

INT8, INT32 = schema.TensorType.INT8, schema.TensorType.INT32
NAMES: Final = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a net, with what the rules depend on."""

    name: str
    version: int
    options: Table
    inputs: tuple[Table | None, ...]
    """None where an optional input is left out."""
    output: Table
    constants: tuple[bytes, ...]
    """Content of each input; empty for what is computed."""

    @property
    def first(self) -> Table:
        """The first input, which no operation leaves out."""
        return self.inputs[0]


@dataclass(frozen=True, slots=True)
class Report:
    """What one net holds, and what the rules and the reports say against it."""

    file: str
    operations: Counter[str]
    parameter_bytes: int
    widest_bytes: int
    """The most bytes that one operation takes and gives."""
    faults: tuple[str, ...]
    """What the published rules forbid."""
    doubts: tuple[str, ...]
    """What the rules allow and a public issue reports as refused."""


def _unfused(operation: Operation) -> str:
    fused = operation.options.fusedActivationFunction
    return "has a fused activation" if fused != schema.ActivationFunctionType.NONE else ""


def _joined(operation: Operation) -> str:
    constant = [content for content in operation.constants if content]
    if constant and (len(operation.inputs) > 2 or any(map(any, constant))):  # noqa: PLR2004 - two
        return "joins a constant that is not zero-padding"
    return _unfused(operation)


def _dilated(operation: Operation) -> str:
    options = operation.options
    return "is dilated unevenly" if options.dilationHFactor != options.dilationWFactor else ""


def _flat(operation: Operation) -> str:
    weights = operation.options.weightsFormat
    if weights != schema.FullyConnectedOptionsWeightsFormat.DEFAULT:
        return "has shuffled weights"
    longer = [length for length in operation.output.shape if length > 1]
    return "gives more than one dimension" if len(longer) > 1 else ""


def _within_batch(operation: Operation) -> str:
    axes = np.frombuffer(operation.constants[1], np.int32).tolist()
    last = len(operation.first.shape) - 1
    if 0 in axes or -last - 1 in axes:
        return "reduces the batch"
    depth = int(operation.first.shape[last])
    return "reduces a depth that is no multiple of 4" if last in axes and depth % 4 else ""


def _padded(operation: Operation) -> str:
    pads = np.frombuffer(operation.constants[1], np.int32).reshape(-1, 2)
    return "pads the batch" if len(pads) > INNER_AXES and pads[0].any() else ""


def _by_channel(operation: Operation) -> str:
    constant = operation.inputs[1]
    if constant is None or any(length > 1 for length in constant.shape[:-1]):
        return "has slopes in more than one dimension"
    return ""


def _resized(operation: Operation) -> str:
    return "" if operation.version <= RESIZE_VERSION_MAX else "has half-pixel centres"


def _free(_: Operation) -> str:
    return ""


RULES: Final[dict[str, Callable[[Operation], str]]] = {
    **dict.fromkeys(("ADD", "MUL", "SUB", "MAXIMUM", "MINIMUM"), _free),
    **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH"), _free),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _unfused),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), _dilated),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), _resized),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), _within_batch),
    **dict.fromkeys(("RESHAPE", "QUANTIZE", "TRANSPOSE_CONV", "L2_NORMALIZATION"), _free),
    "CONCATENATION": _joined,
    "FULLY_CONNECTED": _flat,
    "PAD": _padded,
    "PRELU": _by_channel,
}
"""The published operations that such nets use, each with its limit."""


def inspect(file: str, content: bytes) -> Report:
    """Return the report on one net; `content` is a TFLite file."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    operations = [_operation(model, graph, one) for one in graph.operators]
    faults = [f"{len(model.subgraphs)} graphs, not one"] if len(model.subgraphs) > 1 else []
    faults += [_fault(one) for one in operations]
    faults += [_tensor_fault(model, one) for one in graph.tensors]
    widest_bytes = max(_activations(one) for one in operations)
    if widest_bytes > ON_CHIP_BYTES:
        faults.append(f"one operation moves {widest_bytes} bytes: more than the chip holds")
    return Report(
        file,
        Counter(one.name for one in operations),
        sum(len(_content(model, one)) for one in graph.tensors),
        widest_bytes,
        tuple(sorted({fault for fault in faults if fault})),
        tuple(_doubts(operations, len(slopes(model)), widest_bytes)),
    )


def _operation(model: Table, graph: Table, one: Table) -> Operation:
    code = model.operatorCodes[one.opcodeIndex]
    # Old files have the code in one field, new files in the other: the larger one counts.
    name = NAMES.get(max(code.builtinCode, code.deprecatedBuiltinCode), "unknown")
    tensors = tuple(graph.tensors[index] if index >= 0 else None for index in one.inputs)
    contents = tuple(_content(model, tensor) if tensor else b"" for tensor in tensors)
    output = graph.tensors[one.outputs[0]]
    return Operation(name, code.version, one.builtinOptions, tensors, output, contents)


def _content(model: Table, tensor: Table) -> bytes:
    values = model.buffers[tensor.buffer].data
    return b"" if values is None else bytes(values)


def _fault(operation: Operation) -> str:
    if operation.name not in RULES:
        return f"{operation.name} is not supported"
    broken = RULES[operation.name](operation)
    return f"{operation.name} {broken}" if broken else ""


def _tensor_fault(model: Table, tensor: Table) -> str:
    name = tensor.name.decode() if isinstance(tensor.name, bytes) else str(tensor.name)
    constant = bool(_content(model, tensor))
    if tensor.type == INT32 and constant:
        return ""  # Biases, axes and sizes.
    if tensor.shapeSignature is not None and -1 in tensor.shapeSignature:
        return f"tensor {name} has no fixed shape"
    if not constant and any(length != 1 for length in tensor.shape[:-INNER_AXES]):
        return f"tensor {name} has more than three dimensions"
    scales = tensor.quantization.scale if tensor.quantization else None
    if tensor.type != INT8 or scales is None or not len(scales):
        return f"tensor {name} is not quantised to int8"
    return ""


def _activations(operation: Operation) -> int:
    """Return the bytes of what an operation takes and gives, constants left out."""
    taken = [
        tensor
        for tensor, content in zip(operation.inputs, operation.constants, strict=True)
        if tensor and not content
    ]
    return sum(int(np.prod(tensor.shape)) for tensor in [*taken, operation.output])


def _doubts(operations: list[Operation], sloped: int, widest_bytes: int) -> list[str]:
    padded = {id(one.output) for one in operations if one.name == "PAD"}
    sums = [one for one in operations if one.name == "ADD"]
    doubts = []
    if count := sum(any(id(tensor) in padded for tensor in one.inputs) for one in sums):
        # There the compiler failed on the whole net and named no cause.
        doubts.append(f"ADD after PAD, {count} times (edgetpu #690)")
    if sloped:
        # The compiler ended with an internal error; elsewhere it left a MUL to the processor.
        doubts.append(f"MAXIMUM of a value and its MUL, {sloped} times (edgetpu #185, #219)")
    if widest_bytes > ON_CHIP_BYTES // 2:
        # The limit is not published.
        doubts.append("large activation tensors (edgetpu #439)")
    return doubts


def print_reports(reports: list[Report]) -> None:
    """Print one row for each net, and below it the faults and the reports."""
    print(f"{'net':36}{'operations':>11}{'parameters':>13}{'widest step':>13}  verdict")
    for one in reports:
        verdict = "would not map whole" if one.faults else "no published rule forbids it"
        print(
            f"{one.file:36}{one.operations.total():>11}{one.parameter_bytes:>13,}"
            f"{one.widest_bytes:>13,}  {verdict}"
        )
        print("    " + ", ".join(f"{name} {n}" for name, n in one.operations.most_common()))
        for fault in one.faults:
            print(f"    refused: {fault}")
        for doubt in one.doubts:
            print(f"    reported: {doubt}")


def main() -> None:
    """Check and print; exit 1 if a net would not map whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", type=Path, help="default: every net beside the manifest")
    nets = parser.parse_args().nets or sorted(FOLDER.glob("*.int8.tflite"))
    forms = {path.name: (path.read_bytes(), prelu_form(path.read_bytes())) for path in nets}
    reports = [inspect(name, own) for name, (own, _) in forms.items()]
    compiled = {name: prelu for name, (own, prelu) in forms.items() if prelu != own}
    reports += [inspect(f"{name}, PRELU", prelu) for name, prelu in compiled.items()]
    print_reports(reports)
    try:
        for name, prelu in compiled.items():
            compare(forms[name][0], prelu)
            print(f"{name}: both forms give the same answers; neither ran on an Edge TPU here")
    except FormsDiffer as error:
        sys.exit(str(error))
    parameter_bytes = sum(one.parameter_bytes for one in reports[: len(nets)])
    print(f"{parameter_bytes:,} bytes of parameters together, of {ON_CHIP_BYTES:,} on the chip")
    if any(one.faults for one in reports) or parameter_bytes > ON_CHIP_BYTES:
        sys.exit("Not all of this would run on the Edge TPU: see the lines above.")


if __name__ == "__main__":
    main()
