"""Compile all nets for the Edge TPU with Google's `edgetpu_compiler`, and add them to the manifest.

The compiler is not free software and runs on x86-64 Debian only, so only this program needs it.
Nets that are compiled together share the chip's memory and alternate without reloading. A compiled
net is accepted if every operation was mapped and its contract is that of the CPU's file. It is then
written beside that file, and the manifest names it. A camera takes the file for its accelerator.

Slopes are compiled as PRELU (`models.edgetpu.prelu`), after both forms gave the same answers here.
The compiler itself, and an Edge TPU, were never at hand: no compiled net has run.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ai_edge_litert import schema_py_generated as schema

from models import FOLDER
from models.edgetpu.check import inspect, print_reports
from models.edgetpu.prelu import FormsDiffer, compare, prelu_form

COMPILER: Final = "edgetpu_compiler"
RUNTIME: Final = 14
"""Runtime version of the Edge TPU: the one of libedgetpu 16.0."""

TIMEOUT_S: Final = 900
"""The compiler's own limit is 180 s."""

CUSTOM: Final = "edgetpu-custom-op"
MAPPED: Final = "Mapped to Edge TPU"
ROW: Final = re.compile(r"^([A-Z][A-Z0-9_]+)\s+(\d+)\s+(\S.*?)\s*$", re.MULTILINE)
"""A row of the compiler's operation log: operation, count, status."""

VERSION: Final = re.compile(r"Edge TPU Compiler version (\S+)")
STREAMED: Final = re.compile(r"Off-chip memory used for streaming uncached model parameters: (\S+)")


class CompilationRefused(Exception):
    """The nets cannot be compiled, or the compiled net is not accepted."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One compiled net."""

    source: Path
    """The CPU's file."""
    file: str
    content: bytes


def main() -> None:
    """Compile the nets beside the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=FOLDER, help="default: %(default)s")
    models = parser.parse_args().models
    try:
        manifest = (models / "manifest.toml").read_text("utf-8")
        # The chip's memory is assigned in this order: the detectors run on every frame.
        tables = tomllib.loads(manifest)
        sources = [models / one["file"] for one in (*tables["detectors"], tables["embedder"])]
        nets, version = compile_nets(sources)
    except CompilationRefused as error:
        sys.exit(str(error))
    for net in nets:
        (models / net.file).write_bytes(net.content)
        manifest = with_compiled(manifest, net, version)
        print(f"{net.file}: {len(net.content):,} bytes")
    (models / "manifest.toml").write_text(manifest, "utf-8")


def compile_nets(sources: list[Path]) -> tuple[list[Compiled], str]:
    """Return the compiled nets, in the order given, and the compiler's version.

    Raises:
        CompilationRefused: the compiler is missing or fails, an operation was left to the
            processor, or a contract changed.
    """
    forms = [_form(path) for path in sources]
    reports = [inspect(path.name, form) for path, form in zip(sources, forms, strict=True)]
    if any(one.faults for one in reports):
        print_reports(reports)
        raise CompilationRefused("Not compiled: these nets would not run whole on the Edge TPU.")
    compiler = shutil.which(COMPILER)
    if compiler is None:
        raise CompilationRefused(
            f"{COMPILER} is not installed: install it on x86-64 Debian as "
            "coral.ai/docs/edgetpu/compiler says, then repeat."
        )
    with tempfile.TemporaryDirectory() as folder:
        for path, form in zip(sources, forms, strict=True):
            (Path(folder) / path.name).write_bytes(form)
        said = _run(compiler, [Path(folder) / path.name for path in sources], Path(folder))
        nets = [
            _checked(source, report.operations.total(), Path(folder))
            for source, report in zip(sources, reports, strict=True)
        ]
    version = VERSION.search(said)
    if version is None:
        raise CompilationRefused(f"{COMPILER} printed no version: install version 16.")
    if any(not amount.startswith("0.00") for amount in STREAMED.findall(said)):
        print("Not all parameters fit on the chip: the rest is sent again with every picture.")
    return nets, version[1]


def _form(source: Path) -> bytes:
    """Return the form of a net that is compiled, after comparing it with the processor's."""
    content = source.read_bytes()
    form = prelu_form(content)
    try:
        compare(content, form)
    except FormsDiffer as error:
        raise CompilationRefused(f"{source.name}: {error}") from error
    return form


def _run(compiler: str, sources: list[Path], folder: Path) -> str:
    command = [compiler, "--min_runtime_version", str(RUNTIME), "--out_dir", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - the program the user installed, on our own files
            [*command, *map(str, sources)],
            check=False,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise CompilationRefused(
            f"{COMPILER} did not end within {TIMEOUT_S} s: repeat it on an idle machine."
        ) from error
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        raise CompilationRefused(f"{COMPILER} refused the nets: its messages are above.")
    return done.stdout


def _checked(source: Path, operations: int, folder: Path) -> Compiled:
    """Return one compiled net, after checking its log and its contract."""
    stem = f"{source.stem}_edgetpu"
    try:
        rows = ROW.findall((folder / f"{stem}.log").read_text("utf-8"))
        content = (folder / f"{stem}.tflite").read_bytes()
    except OSError as error:
        raise CompilationRefused(f"{COMPILER} wrote no {stem}.") from error
    for name, count, status in rows:
        if status != MAPPED:
            raise CompilationRefused(f"{source.name}: {count} {name} not mapped: {status}.")
    mapped = sum(int(count) for _, count, _ in rows)
    if mapped != operations:
        raise CompilationRefused(
            f"{source.name}: {mapped} of {operations} operations were mapped, by the log."
        )
    if _contract(content, custom=True) != _contract(source.read_bytes(), custom=False):
        raise CompilationRefused(f"{stem}.tflite does not take and give what {source.name} does.")
    return Compiled(source, f"{stem}.tflite", content)


def _contract(content: bytes, *, custom: bool) -> list[tuple[Any, ...]]:
    """Return shape, type, scale and zero point of each input and output of a net."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    if custom and [one.customCode for one in model.operatorCodes] != [CUSTOM.encode()]:
        raise CompilationRefused(f"{COMPILER} left an operation besides its own.")
    tensors = [graph.tensors[index] for index in (*graph.inputs, *graph.outputs)]
    return [
        (
            tuple(map(int, one.shape)),
            one.type,
            tuple(map(float, one.quantization.scale)),
            tuple(map(int, one.quantization.zeroPoint)),
        )
        for one in tensors
    ]


def with_compiled(manifest: str, net: Compiled, version: str) -> str:
    """Return the manifest with an entry for the compiled net in that of its source."""
    digest = hashlib.sha256(net.source.read_bytes()).hexdigest()
    anchor = f'\nsha256 = "{digest}"\n'
    row = (
        f'edge_tpu = {{ file = "{net.file}", bytes = {len(net.content)}, '
        f'sha256 = "{hashlib.sha256(net.content).hexdigest()}", '
        f'compiler = "{COMPILER} {version}" }}\n'
    )
    if anchor not in manifest:
        raise CompilationRefused(
            f"The manifest names another {net.source.name}: build the manifest anew."
        )
    before, after = manifest.split(anchor, 1)
    return before + anchor + row + re.sub(r"\Aedge_tpu = .*\n", "", after)


if __name__ == "__main__":
    main()
