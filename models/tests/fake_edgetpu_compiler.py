"""A fake of Google's `edgetpu_compiler` 16.0: its options, messages, log and files.

It does not compile. Each net becomes one custom operation between the same inputs and outputs, as
the real compiler leaves it. `build` writes the program; the messages are those of public logs
(#458).
"""

import sys
from pathlib import Path

import flatbuffers  # type: ignore[import-untyped]
from ai_edge_litert import schema_py_generated as schema

PROGRAM = """#!{python}
import sys
from pathlib import Path

from models.tests.fake_edgetpu_compiler import compile_all

compile_all(sys.argv[1:], unmapped={unmapped!r}, scale={scale!r})
"""


WORDS = """\
Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Models compiled successfully in 524 ms.

{models}Compilation child process completed within timeout period.
Compilation succeeded!
"""

MODEL_WORDS = """\
Input model: {net}
Input size: 1.91MiB
Output model: {stem}.tflite
Output size: 2.52MiB
On-chip memory used for caching model parameters: 2.27MiB
On-chip memory remaining for caching model parameters: 1.07MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 57
Operation log: {stem}.log
See the operation log file for individual operation details.

"""


def build(folder: Path, *, unmapped: str = "", scale: float = 1.0) -> None:
    """Write the program into `folder`.

    Args:
        folder: where `edgetpu_compiler` is written.
        unmapped: a kind of operation; one of it is left to the processor.
        scale: a factor on the scale of every output.
    """
    program = folder / "edgetpu_compiler"
    program.write_text(PROGRAM.format(python=sys.executable, unmapped=unmapped, scale=scale))
    program.chmod(0o755)


def compile_all(words: list[str], *, unmapped: str, scale: float) -> None:
    assert words[:3] == ["--min_runtime_version", "14", "--out_dir"]
    out, nets = Path(words[3]), [Path(word) for word in words[4:]]
    said = "".join(_compile(net, out, unmapped, scale) for net in nets)
    sys.stdout.write(WORDS.format(models=said))


def _compile(net: Path, out: Path, unmapped: str, scale: float) -> str:
    model = schema.ModelT.InitFromPackedBuf(net.read_bytes(), 0)
    stem = f"{net.stem}_edgetpu"
    (out / f"{stem}.log").write_text(_log(net, out / f"{stem}.tflite", model, unmapped))
    (out / f"{stem}.tflite").write_bytes(_compiled(model, scale))
    return MODEL_WORDS.format(net=net, stem=out / stem)


def _log(net: Path, output: Path, model: schema.ModelT, unmapped: str) -> str:
    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    kinds = [names[model.operatorCodes[one.opcodeIndex].builtinCode] for one in _graph(model)]
    rows = [(name, kinds.count(name), "Mapped to Edge TPU") for name in sorted(set(kinds))]
    if unmapped:
        rows = [(name, count - (name == unmapped), status) for name, count, status in rows]
        rows.append((unmapped, 1, "More than one subgraph is not supported"))
    table = "".join(f"{name:<31}{count:<11}{status}\n" for name, count, status in rows)
    return (
        f"Edge TPU Compiler version 16.0.384591198\nInput: {net}\nOutput: {output}\n\n"
        f"{'Operator':<31}{'Count':<11}Status\n\n{table}"
    )


def _graph(model: schema.ModelT) -> list[schema.OperatorT]:
    operators: list[schema.OperatorT] = model.subgraphs[0].operators
    return operators


def _compiled(model: schema.ModelT, scale: float) -> bytes:
    graph = model.subgraphs[0]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "edgetpu-custom-op"
    model.operatorCodes = [code]
    only = schema.OperatorT()
    only.opcodeIndex, only.inputs, only.outputs = 0, list(graph.inputs), list(graph.outputs)
    only.customOptions = [1, 2, 3]
    graph.operators = [only]
    edges = [graph.tensors[place] for place in (*graph.inputs, *graph.outputs)]
    for tensor in edges:
        tensor.buffer = 0
    for place in graph.outputs:
        steps = graph.tensors[place].quantization
        steps.scale = steps.scale * scale
    graph.tensors, model.buffers = edges, [schema.BufferT()]
    count = len(graph.inputs)
    graph.inputs, graph.outputs = list(range(count)), list(range(count, len(edges)))
    only.inputs, only.outputs = graph.inputs, graph.outputs
    model.metadata = model.signatureDefs = None
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
