"""The Edge TPU's tools: the check of the published rules, and the compilation with its refusals."""

import shutil
import subprocess
import sys
from pathlib import Path

import flatbuffers  # type: ignore[import-untyped]
import pytest
from ai_edge_litert import schema_py_generated as schema

from models import FOLDER
from models.edgetpu.check import inspect
from models.edgetpu.prelu import FormsDiffer, compare, prelu_form
from models.tests import fake_edgetpu_compiler
from recognition.interpreter import read_net
from recognition.manifest import load_manifest
from recognition.tests.toy_net import toy_net

EMBEDDER = (FOLDER / "embedder.int8.tflite").read_bytes()


def check(*nets: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "models.edgetpu.check", *map(str, nets)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=FOLDER.parent)


def toy(folder: Path, content: bytes) -> Path:
    path = folder / "toy.tflite"
    path.write_bytes(content)
    return path


def changed(kind: int) -> bytes:
    """Return a toy net whose one operation has the code of another."""
    model = schema.ModelT.InitFromPackedBuf(toy_net(), 0)
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = kind
    return packed(model)


def packed(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_no_published_rule_forbids_a_committed_net_in_either_form() -> None:
    said = check()
    assert said.returncode == 0, said.stdout + said.stderr
    with_prelu = 1
    assert said.stdout.count("no published rule forbids it") == with_prelu + len(
        list(FOLDER.glob("*.int8.tflite"))
    )
    assert "embedder.int8.tflite: both forms give the same answers" in said.stdout


def test_reports_against_maximum_and_mul_are_printed_for_the_processors_form_alone() -> None:
    reports = [inspect("embedder", one) for one in (EMBEDDER, prelu_form(EMBEDDER))]
    doubts = [[one for one in report.doubts if "MAXIMUM" in one] for report in reports]
    assert doubts == [["MAXIMUM of a value and its MUL, 27 times (edgetpu #185, #219)"], []]


def test_prelu_takes_the_place_of_each_slope_and_changes_nothing_else() -> None:
    operations = inspect("embedder", EMBEDDER).operations
    sloped = operations["MAXIMUM"]
    operations.subtract({"MAXIMUM": sloped, "MUL": sloped, "PRELU": -sloped})
    assert inspect("embedder", prelu_form(EMBEDDER)).operations == +operations


def test_a_net_without_slopes_has_one_form() -> None:
    assert prelu_form(toy_net()) == toy_net()


def test_maximum_and_mul_of_different_scales_stay_as_they_are() -> None:
    model = schema.ModelT.InitFromPackedBuf(EMBEDDER, 0)
    product = model.subgraphs[0].tensors[model.subgraphs[0].operators[1].outputs[0]].quantization
    product.scale = product.scale * 2
    operations = inspect("embedder", prelu_form(packed(model))).operations
    assert (operations["MAXIMUM"], operations["PRELU"]) == (1, 26)


def test_a_form_that_answers_otherwise_is_refused() -> None:
    model = schema.ModelT.InitFromPackedBuf(prelu_form(EMBEDDER), 0)
    slope = model.subgraphs[0].operators[1].inputs[1]
    steps = model.subgraphs[0].tensors[slope].quantization
    steps.scale = steps.scale * 1.1
    with pytest.raises(FormsDiffer):
        compare(EMBEDDER, packed(model))


def test_slopes_in_more_than_one_dimension_are_named() -> None:
    model = schema.ModelT.InitFromPackedBuf(prelu_form(EMBEDDER), 0)
    model.subgraphs[0].tensors[model.subgraphs[0].operators[1].inputs[1]].shape = [2, 1, 16]
    assert inspect("embedder", packed(model)).faults == (
        "PRELU has slopes in more than one dimension",
    )


def test_an_operation_outside_the_published_table_is_named(tmp_path: Path) -> None:
    said = check(toy(tmp_path, changed(schema.BuiltinOperator.FLOOR_MOD)))
    assert said.returncode == 1
    assert "refused: FLOOR_MOD is not supported" in said.stdout


def test_a_net_that_is_not_quantised_is_named(tmp_path: Path) -> None:
    said = check(toy(tmp_path, toy_net(schema.TensorType.FLOAT32)))
    assert said.returncode == 1
    assert "refused: tensor taken is not quantised to int8" in said.stdout


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the folder of nets, for a test to compile into."""
    folder = tmp_path / "models"
    folder.mkdir()
    for path in (*FOLDER.glob("*.int8.tflite"), FOLDER / "manifest.toml"):
        shutil.copy(path, folder)
    return folder


def compiled(models: Path, tools: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "models.edgetpu.compile", "--models", str(models)],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": str(tools)},
        cwd=FOLDER.parent,
    )


def test_compiled_nets_lie_beside_their_sources_and_the_manifest_names_them(
    models: Path, tmp_path: Path
) -> None:
    fake_edgetpu_compiler.build(tmp_path)
    said = compiled(models, tmp_path)
    assert said.returncode == 0, said.stderr
    named = [entry.edge_tpu for entry in load_manifest(models).entries]
    assert all(net and read_net(models, net) for net in named)
    assert {net.compiler for net in named if net} == {"edgetpu_compiler 16.0.384591198"}


def test_compiling_twice_changes_nothing(models: Path, tmp_path: Path) -> None:
    fake_edgetpu_compiler.build(tmp_path)
    compiled(models, tmp_path)
    once = (models / "manifest.toml").read_text()
    compiled(models, tmp_path)
    assert (models / "manifest.toml").read_text() == once


def test_without_the_compiler_one_sentence_says_what_to_install(
    models: Path, tmp_path: Path
) -> None:
    said = compiled(models, tmp_path)
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert said.stderr.startswith("edgetpu_compiler is not installed")


def test_an_operation_left_to_the_processor_is_refused(models: Path, tmp_path: Path) -> None:
    fake_edgetpu_compiler.build(tmp_path, unmapped="PAD")
    said = compiled(models, tmp_path)
    assert said.returncode == 1
    assert "1 PAD not mapped: More than one subgraph is not supported." in said.stderr
    assert not list(models.glob("*_edgetpu.tflite"))


def test_another_contract_than_the_processors_is_refused(models: Path, tmp_path: Path) -> None:
    fake_edgetpu_compiler.build(tmp_path, scale=2.0)
    said = compiled(models, tmp_path)
    assert said.returncode == 1
    assert "does not take and give what detector-640x480.int8.tflite does" in said.stderr
