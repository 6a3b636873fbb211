"""Allow-list of a net's operations, read from the TFLite file before a runtime loads it.

A net in int8 needs few kinds of operation. `KNOWN` lists those that the processor and the published
table of the Edge TPU's compiler both support in int8. Every other operation is refused. One that
leaves int8 (DEQUANTIZE) can give other results on another machine, and a custom one is code that
the manifest does not name. A TFLite file is a flatbuffer: its tables of offsets are read here, and
an offset that leads out of the file is refused.
"""

import struct
from typing import Final

from recognition.errors import ModelRefused

KNOWN: Final = {
    0: "ADD",
    1: "AVERAGE_POOL_2D",
    2: "CONCATENATION",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    9: "FULLY_CONNECTED",
    11: "L2_NORMALIZATION",
    14: "LOGISTIC",
    17: "MAX_POOL_2D",
    18: "MUL",
    19: "RELU",
    20: "RELU_N1_TO_1",
    21: "RELU6",
    22: "RESHAPE",
    23: "RESIZE_BILINEAR",
    25: "SOFTMAX",
    26: "SPACE_TO_DEPTH",
    28: "TANH",
    34: "PAD",
    39: "TRANSPOSE",
    40: "MEAN",
    41: "SUB",
    43: "SQUEEZE",
    45: "STRIDED_SLICE",
    49: "SPLIT",
    54: "PRELU",
    55: "MAXIMUM",
    57: "MINIMUM",
    65: "SLICE",
    67: "TRANSPOSE_CONV",
    70: "EXPAND_DIMS",
    74: "SUM",
    82: "REDUCE_MAX",
    83: "PACK",
    89: "REDUCE_MIN",
    97: "RESIZE_NEAREST_NEIGHBOR",
    114: "QUANTIZE",
}
"""`BuiltinOperator` of TFLite's schema, version 3: code and name."""

EDGE_TPU_OPERATION: Final = b"edgetpu-custom-op"
"""The only custom operation: the Edge TPU's compiler puts it in place of what it compiled."""

_IDENTIFIER: Final = b"TFL3"
_CUSTOM: Final = 32
_CODES: Final = 1
"""Field of the root table: its operator codes."""
_OLD_CODE, _CUSTOM_CODE, _CODE = 0, 1, 3
"""Fields of an operator code: a byte, a text, and the integer that later replaced the byte."""


def check_operations(content: bytes, name: str) -> None:
    """Refuse a net that holds an operation outside of `KNOWN`.

    Raises:
        ModelRefused: the bytes are no net, or it holds another operation.
    """
    for code, custom in _operations(content, name):
        if custom != EDGE_TPU_OPERATION if code == _CUSTOM else code not in KNOWN:
            what = f"custom operation {custom!a:.40}" if code == _CUSTOM else f"operation {code}"
            raise ModelRefused(
                f"{name} holds the {what}, which is not allowed in an int8 net: convert it anew "
                "from built-in operations, quantised throughout."
            )


def holds_edge_tpu(content: bytes, name: str) -> bool:
    """Return whether the net was compiled for the Edge TPU.

    Raises:
        ModelRefused: the bytes are no net.
    """
    return (_CUSTOM, EDGE_TPU_OPERATION) in _operations(content, name)


def _operations(content: bytes, name: str) -> list[tuple[int, bytes]]:
    """Return code and custom name of every kind of operation in the file."""
    if content[4:8] != _IDENTIFIER:
        raise ModelRefused(f"{name} is no TFLite net: give a .tflite file.")
    try:
        codes = _reference(content, _field(content, _reference(content, 0), _CODES))
        return [
            _operation(content, _reference(content, codes + 4 + 4 * number))
            for number in range(_uint(content, codes))
        ]
    except (struct.error, IndexError) as error:
        raise ModelRefused(f"{name} is a broken TFLite net: fetch it again.") from error


def _operation(content: bytes, table: int) -> tuple[int, bytes]:
    old, new = _field(content, table, _OLD_CODE), _field(content, table, _CODE)
    text = _field(content, table, _CUSTOM_CODE)
    codes = (content[old] if old else 0, _uint(content, new) if new else 0)
    return max(codes), _text(content, _reference(content, text)) if text else b""


def _field(content: bytes, table: int, number: int) -> int:
    """Return the place of a table's field; 0: the field has its default."""
    directory = table - struct.unpack_from("<i", content, table)[0]
    length = struct.unpack_from("<H", content, directory)[0]
    at = 4 + 2 * number
    offset: int = struct.unpack_from("<H", content, directory + at)[0] if at < length else 0
    return table + offset if offset else 0


def _text(content: bytes, place: int) -> bytes:
    return content[place + 4 : place + 4 + _uint(content, place)]


def _reference(content: bytes, place: int) -> int:
    return place + _uint(content, place)


def _uint(content: bytes, place: int) -> int:
    value: int = struct.unpack_from("<I", content, place)[0]
    return value
