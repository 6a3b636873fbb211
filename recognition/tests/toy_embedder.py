"""An embedder of one pooling: its template is the mean colour of a chip, and no face differs."""

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def toy_embedder(chip_px: int, scale: float = 1.0, zero_point: int = -128) -> bytes:
    """Return a net that takes one chip and gives the mean of its three channels."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    model.operatorCodes = [
        _code(schema.BuiltinOperator.AVERAGE_POOL_2D, 2),
        _code(schema.BuiltinOperator.RESHAPE, 1),
    ]
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor(name, shape, scale, zero_point)
        for name, shape in (
            ("chip", [1, chip_px, chip_px, 3]),
            ("pooled", [1, 1, 1, 3]),
            ("row", [1, 3]),
        )
    ]
    graph.inputs, graph.outputs = [0], [2]
    graph.operators = [_pooling(chip_px), _flattening()]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(operation: int, version: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = operation
    code.version = version
    return code


def _tensor(name: str, shape: list[int], scale: float, zero_point: int) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, shape, 0
    tensor.type = schema.TensorType.INT8
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = np.array([scale], np.float32)
    tensor.quantization.zeroPoint = np.array([zero_point], np.int64)
    return tensor


def _pooling(size_px: int) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    operator.builtinOptionsType = schema.BuiltinOptions.Pool2DOptions
    operator.builtinOptions = options = schema.Pool2DOptionsT()
    options.padding = schema.Padding.VALID
    options.strideW = options.strideH = 1
    options.filterWidth = options.filterHeight = size_px
    return operator


def _flattening() -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 1, [1], [2]
    operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    operator.builtinOptions = options = schema.ReshapeOptionsT()
    options.newShape = [1, 3]
    return operator
