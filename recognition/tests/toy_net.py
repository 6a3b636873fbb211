"""The smallest net: one pooling of one pixel, written straight into the TFLite format."""

import hashlib

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from recognition.contract import NetEntry, TensorSpec

SHAPE = (1, 2, 2, 1)
SPEC = TensorSpec(SHAPE, 0.5, 3)


def toy_net(
    kind: int = schema.TensorType.INT8,
    operation: int = schema.BuiltinOperator.MAX_POOL_2D,
    custom: str | None = None,
) -> bytes:
    """Return a net that gives back what it takes, at scale 0.5 and zero point 3."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    code = schema.OperatorCodeT()
    code.builtinCode = operation
    code.deprecatedBuiltinCode = min(operation, 127)
    code.customCode = custom
    code.version = 2
    model.operatorCodes = [code]
    graph = schema.SubGraphT()
    graph.tensors = [_tensor("taken", kind), _tensor("given", kind)]
    graph.inputs, graph.outputs = [0], [1]
    graph.operators = [_pooling()]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def entry_of(content: bytes, spec: TensorSpec = SPEC) -> NetEntry:
    """Return the manifest's entry for a toy net."""
    digest = hashlib.sha256(content).digest()
    return NetEntry(
        "toy.tflite",
        len(content),
        digest,
        "toy",
        bytes(32),
        "CC0-1.0",
        "no training",
        spec,
        (spec,),
    )


def _tensor(name: str, kind: int) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(SHAPE), kind, 0
    if kind == schema.TensorType.INT8:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = np.array([0.5], np.float32)
        tensor.quantization.zeroPoint = np.array([3], np.int64)
    return tensor


def _pooling() -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    operator.builtinOptionsType = schema.BuiltinOptions.Pool2DOptions
    options = schema.Pool2DOptionsT()
    options.strideW = options.strideH = options.filterWidth = options.filterHeight = 1
    operator.builtinOptions = options
    return operator
