"""Read a published net in ONNX: its constants as arrays, and the operation of each output."""

import hashlib
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Node: TypeAlias = Any
"""ONNX ships generated types."""

Array: TypeAlias = NDArray[np.float64]


class Published:
    """One net as its makers published it."""

    def __init__(self, raw: bytes, digest: str | None = None) -> None:
        """Read the file.

        Args:
            raw: its bytes.
            digest: the SHA-256 of the file that a recipe was written for, in hexadecimal; None for
                a net that its owner brings.
        """
        if digest is not None and hashlib.sha256(raw).hexdigest() != digest:
            raise SystemExit(
                "The net is not the one of this recipe: its digest differs. Fetch it anew."
            )
        graph = onnx.load_from_string(raw).graph
        self.inputs: Final = [
            one.name for one in graph.input if one.name not in {a.name for a in graph.initializer}
        ]
        self.outputs: Final = [one.name for one in graph.output]
        self.constants: Final[dict[str, Array]] = {
            one.name: numpy_helper.to_array(one).astype(np.float64) for one in graph.initializer
        } | {
            node.output[0]: numpy_helper.to_array(attribute(node, "value"))
            for node in graph.node
            if node.op_type == "Constant"
        }
        self._made_by = {node.output[0]: node for node in graph.node}
        self._nodes = list(graph.node)

    def maker(self, name: str) -> Node:
        """Return the operation whose output is `name`."""
        return self._made_by[name]

    def of_kind(self, kind: str) -> Iterator[Node]:
        """Yield the operations of one kind, in order."""
        return (node for node in self._nodes if node.op_type == kind)


def attribute(node: Node, name: str, default: Any = None) -> Any:  # noqa: ANN401 - of any kind
    """Return an attribute of an operation, or the default if it is absent."""
    said = (helper.get_attribute_value(one) for one in node.attribute if one.name == name)
    return next(said, default)
