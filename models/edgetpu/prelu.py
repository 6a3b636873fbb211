"""The Edge TPU's form of a net: rewrite MAXIMUM(x, MUL(x, slope)) as PRELU in its TFLite file.

The processor's form has MAXIMUM and MUL, because PRELU is slow there. For the Edge TPU, PRELU is on
the list of supported operations, and public logs show it mapped (google-coral/edgetpu #460, #601);
a compiler failed on MAXIMUM and MUL (#185). Weights, scales and zero points stay the same, and so
does every output (`compare`). A net without such slopes stays as it is.

Neither form has run on an Edge TPU here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

Table: TypeAlias = Any
"""The generated readers of the file format carry no types."""

OPERATIONS: Final = schema.BuiltinOperator
MARK: Final = b"TFL3"
"""Identifier of a TFLite file."""

SEED: Final = 20260101
COMPARED: Final = 2
"""Inputs of random values on which both forms are compared. They reach every slope; PRELU takes
0.1 s for each on a processor."""


class FormsDiffer(Exception):
    """The two forms of a net answer differently."""


@dataclass(frozen=True, slots=True)
class Slope:
    """One activation with a slope, as the processor's form has it."""

    maximum: Table
    product: Table
    """The MUL."""
    taken: int
    """The tensor that both take."""
    constant: int
    """The tensor of the slopes, one for each channel."""


def prelu_form(content: bytes) -> bytes:
    """Return the net with PRELU in place of each MAXIMUM(x, MUL(x, slope)).

    Args:
        content: a TFLite file.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    found = slopes(model)
    if not found:
        return content
    for one in found:
        constant = graph.tensors[one.constant]
        constant.shape = [1, 1, int(np.prod(constant.shape))]
        one.maximum.inputs = [one.taken, one.constant]
        one.maximum.builtinOptionsType, one.maximum.builtinOptions = 0, None
        one.maximum.opcodeIndex = len(model.operatorCodes)
    model.operatorCodes.append(_prelu())
    gone = {id(one.product) for one in found}
    graph.operators = [one for one in graph.operators if id(one) not in gone]
    _drop_unused(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), MARK)
    return bytes(builder.Output())


def slopes(model: Table) -> list[Slope]:
    """Return each MAXIMUM of x and MUL(x, constant) whose tensors share scale and zero point.

    Only then does PRELU give the same values.
    """
    makers = {one.outputs[0]: one for one in _kind(model, OPERATIONS.MUL)}
    pairs = [
        (maximum, makers[product])
        for maximum in _kind(model, OPERATIONS.MAXIMUM)
        for product in maximum.inputs
        if product in makers
    ]
    found = [_slope(model, *pair) for pair in pairs]
    return [one for one in found if one is not None]


def _slope(model: Table, maximum: Table, product: Table) -> Slope | None:
    tensors = model.subgraphs[0].tensors
    taken, constant = set(maximum.inputs) & set(product.inputs), set(product.inputs)
    constant -= taken
    if len(taken) != 1 or len(constant) != 1:
        return None
    one = Slope(maximum, product, int(taken.pop()), int(constant.pop()))
    steps = {_step(tensors[index]) for index in (*maximum.inputs, maximum.outputs[0])}
    fixed = model.buffers[tensors[one.constant].buffer].data is not None
    return one if fixed and len(steps) == 1 else None


def _kind(model: Table, code: int) -> list[Table]:
    """Return the operations of one kind, in the net's order."""
    codes = [max(one.builtinCode, one.deprecatedBuiltinCode) for one in model.operatorCodes]
    return [one for one in model.subgraphs[0].operators if codes[one.opcodeIndex] == code]


def _step(tensor: Table) -> tuple[float, int]:
    """Return scale and zero point of a tensor."""
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])


def compare(one: bytes, other: bytes) -> None:
    """Run two forms of a net on the same random inputs, with the runtime's plain kernels.

    Raises:
        FormsDiffer: an output differs.
    """
    rng = np.random.default_rng(SEED)
    nets = [_loaded(one), _loaded(other)]
    taken = nets[0].get_input_details()[0]
    for _ in range(COMPARED):
        values = rng.integers(-128, 128, taken["shape"]).astype(np.int8)
        first, second = (_answers(net, values) for net in nets)
        if not all(map(np.array_equal, first, second)):
            raise FormsDiffer("PRELU gives other values than MAXIMUM and MUL.")


def _loaded(content: bytes) -> Any:  # noqa: ANN401 - the runtime ships no types
    net = Interpreter(
        model_content=content,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    net.allocate_tensors()
    return net


def _answers(net: Any, values: Any) -> list[Any]:  # noqa: ANN401 - as above
    net.set_tensor(net.get_input_details()[0]["index"], values)
    net.invoke()
    return [net.get_tensor(one["index"]) for one in net.get_output_details()]


def _prelu() -> Table:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = OPERATIONS.PRELU
    code.version = 1
    return code


def _drop_unused(model: Table) -> None:
    """Remove the tensors and the kinds of operation that no operation uses any more."""
    graph = model.subgraphs[0]
    edges = [*graph.inputs, *graph.outputs]
    used = {index for one in graph.operators for index in (*one.inputs, *one.outputs)} | set(edges)
    at = _places(sorted(used - {-1}))
    codes = _places(sorted({one.opcodeIndex for one in graph.operators}))
    for one in graph.operators:
        one.opcodeIndex = codes[one.opcodeIndex]
        one.inputs = [at[index] for index in one.inputs]
        one.outputs = [at[index] for index in one.outputs]
    graph.inputs = [at[index] for index in graph.inputs]
    graph.outputs = [at[index] for index in graph.outputs]
    for signature in model.signatureDefs or []:
        for edge in (*signature.inputs, *signature.outputs):
            edge.tensorIndex = at[edge.tensorIndex]
    graph.tensors = [graph.tensors[index] for index in at if index >= 0]
    model.operatorCodes = [model.operatorCodes[index] for index in codes if index >= 0]


def _places(kept: Sequence[int]) -> dict[int, int]:
    """Return the new place of each that is kept; -1 stands for an input that is left out."""
    return {-1: -1} | {int(old): new for new, old in enumerate(kept)}
