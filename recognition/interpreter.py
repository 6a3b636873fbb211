"""Inference: verifies one int8 net by digest and contract, and runs it on CPU or Edge TPU.

The file is read once. Its bytes are digested, and the interpreter is built from the same bytes.
Operations, inputs and outputs are checked before the net runs. A net that was loaded for the Edge
TPU never runs on the processor instead.
"""

import ctypes
import hashlib
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from recognition.contract import Compiled, NetEntry, TensorSpec
from recognition.errors import ModelRefused, NetFailed
from recognition.operations import check_operations, holds_edge_tpu

if sys.platform == "linux" and os.uname().machine == "aarch64" and sys.version_info < (3, 12):
    # The last runtime that is known to drive the Edge TPU; there is none for Python 3.12.
    from tflite_runtime.interpreter import Interpreter, load_delegate

    PACKAGE = "tflite-runtime"
else:
    from ai_edge_litert.interpreter import Interpreter, load_delegate

    PACKAGE = "ai-edge-litert"

Untyped: TypeAlias = Any
"""Neither runtime ships types."""

EDGE_TPU_LIBRARY: Final = "libedgetpu.so.1"


class Accelerator(Enum):
    """What a net runs on."""

    CPU = "cpu"
    EDGE_TPU = "edge-tpu"


@final
class Net:
    """One verified net, on one thread. `load` makes it."""

    def __init__(self, entry: NetEntry, content: bytes, accelerator: Accelerator) -> None:
        name = _file(entry, accelerator).file
        check_operations(content, name)
        self.entry = entry
        self._interpreter = _built(content, name, accelerator)
        self._input = _index(self._interpreter.get_input_details(), (entry.input,), name)[0]
        self._outputs = _index(self._interpreter.get_output_details(), entry.outputs, name)

    @classmethod
    def load(
        cls, folder: Path, entry: NetEntry, accelerator: Accelerator = Accelerator.CPU
    ) -> "Net":
        """Return the net that `entry` names in `folder`, from its file for the accelerator.

        Raises:
            ModelRefused: the file is missing or is not the named one, it breaks its contract, or
                the accelerator does not answer.
        """
        return cls(entry, read_net(folder, _file(entry, accelerator)), accelerator)

    @property
    def runtime(self) -> str:
        """Name and version of the runtime, e.g. "ai-edge-litert 2.3.0"."""
        return f"{PACKAGE} {version(PACKAGE)}"

    def run(self, values: NDArray[np.int8]) -> tuple[NDArray[np.int8], ...]:
        """Return the outputs for one input, in the manifest's order and shapes.

        Raises:
            NetFailed: the accelerator or its runtime failed. There is no fallback.
        """
        self._interpreter.set_tensor(self._input, values)
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise NetFailed(
                f"{self.entry.file} failed: check the accelerator's cable and power."
            ) from error
        return tuple(self._interpreter.get_tensor(index) for index in self._outputs)


def read_net(folder: Path, file: NetEntry | Compiled) -> bytes:
    """Return the bytes of a net's file.

    Raises:
        ModelRefused: it is missing, or is not the file that the manifest names.
    """
    try:
        content = (folder / file.file).read_bytes()
    except OSError as error:
        raise ModelRefused(f"{file.file} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(content).digest() != file.digest:
        raise ModelRefused(f"{file.file} is not the file the manifest names: fetch it again.")
    return content


def contract(content: bytes, name: str) -> tuple[TensorSpec, tuple[TensorSpec, ...]]:
    """Return the input and the outputs that a net's own file states, before a manifest names it.

    Raises:
        ModelRefused: it is no net, has several inputs, or a tensor of it is not int8.
    """
    interpreter = _built(content, name, Accelerator.CPU)
    taken = [_spec(detail, name) for detail in interpreter.get_input_details()]
    if len(taken) != 1:
        raise ModelRefused(f"{name} takes {len(taken)} inputs: a net must take one picture.")
    return taken[0], tuple(_spec(detail, name) for detail in interpreter.get_output_details())


def _file(entry: NetEntry, accelerator: Accelerator) -> NetEntry | Compiled:
    """Return the one of a net's files that runs on the accelerator."""
    if accelerator is Accelerator.CPU:
        return entry
    if entry.edge_tpu is None:
        raise ModelRefused(f"{entry.file} is not compiled for the Edge TPU: use a bundle that is.")
    return entry.edge_tpu


def _built(content: bytes, name: str, accelerator: Accelerator) -> Untyped:
    delegates = []
    if accelerator is Accelerator.EDGE_TPU:
        if not holds_edge_tpu(content, name):
            raise ModelRefused(f"{name} is not compiled for the Edge TPU.")
        delegates = [_edge_tpu()]
    try:
        with _quiet():
            interpreter = Interpreter(
                model_content=content, num_threads=1, experimental_delegates=delegates
            )
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelRefused(f"{name} is no net that this runtime can run.") from error
    return interpreter


def _edge_tpu() -> Untyped:
    try:
        # When the library is absent, `load_delegate` fails in its own destructor.
        ctypes.CDLL(EDGE_TPU_LIBRARY)
        return load_delegate(EDGE_TPU_LIBRARY)
    except (OSError, ValueError) as error:
        raise ModelRefused(
            "The Edge TPU does not answer: check its cable and power, and that "
            f"{EDGE_TPU_LIBRARY} is installed."
        ) from error


def _index(details: list[dict[str, Any]], specs: tuple[TensorSpec, ...], name: str) -> list[int]:
    """Return the indices of the tensors, after each was compared with its specification."""
    if len(details) != len(specs):
        raise ModelRefused(f"{name} has {len(details)} tensors where {len(specs)} are due.")
    for detail, spec in zip(details, specs, strict=True):
        found = _spec(detail, name)
        if found != TensorSpec(spec.shape, float(np.float32(spec.scale)), spec.zero_point):
            raise ModelRefused(f"{name} breaks the contract in the manifest: {found}.")
    return [int(detail["index"]) for detail in details]


def _spec(detail: dict[str, Any], name: str) -> TensorSpec:
    if detail["dtype"] is not np.int8:
        raise ModelRefused(f"{name} takes or gives {detail['dtype'].__name__}, not int8.")
    scale, zero_point = detail["quantization"]
    return TensorSpec(tuple(map(int, detail["shape"])), float(np.float32(scale)), int(zero_point))


@contextmanager
def _quiet() -> Generator[None]:
    """Keep the runtime's greeting off stderr; its errors are exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
