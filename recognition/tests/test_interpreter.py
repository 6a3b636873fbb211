import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from recognition.contract import Compiled, NetEntry
from recognition.errors import ModelRefused, NetFailed
from recognition.interpreter import Accelerator, Net
from recognition.tests.toy_net import SHAPE, SPEC, entry_of, toy_net


def written(folder: Path, content: bytes) -> Path:
    (folder / "toy.tflite").write_bytes(content)
    return folder


def test_a_net_runs(tmp_path: Path) -> None:
    content = toy_net()
    net = Net.load(written(tmp_path, content), entry_of(content))
    values = np.arange(4, dtype=np.int8).reshape(SHAPE)
    (given,) = net.run(values)
    assert (given == values).all()


class Failing:
    """A runtime whose accelerator fails."""

    def set_tensor(self, index: int, values: NDArray[np.int8]) -> None:
        """Accept the input."""

    def invoke(self) -> None:
        raise RuntimeError("Node number 0 (EdgeTpuDelegateForCustomOp) failed to invoke.")


def test_an_accelerator_that_fails_is_named_and_has_no_fallback(tmp_path: Path) -> None:
    content = toy_net()
    (tmp_path / "toy.tflite").write_bytes(content)
    net = Net.load(tmp_path, entry_of(content))
    net._interpreter = Failing()
    with pytest.raises(NetFailed, match="cable and power"):
        net.run(np.zeros(SHAPE, np.int8))


def test_a_net_names_its_runtime(tmp_path: Path) -> None:
    content = toy_net()
    assert Net.load(written(tmp_path, content), entry_of(content)).runtime.startswith("ai-edge-li")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match=r"toy\.tflite cannot be read: No such file"):
        Net.load(tmp_path, entry_of(toy_net()))


def test_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    content = bytearray(toy_net())
    entry = entry_of(bytes(content))
    content[-1] ^= 1
    with pytest.raises(ModelRefused, match="not the file the manifest names"):
        Net.load(written(tmp_path, bytes(content)), entry)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    content = toy_net()
    with pytest.raises(ModelRefused, match="not the file the manifest names"):
        Net.load(written(tmp_path, content[:-8]), entry_of(content))


def test_a_file_that_is_no_net_is_refused(tmp_path: Path) -> None:
    content = b"no net at all"
    with pytest.raises(ModelRefused, match="is no TFLite net"):
        Net.load(written(tmp_path, content), entry_of(content))


def test_a_float_net_is_refused(tmp_path: Path) -> None:
    content = toy_net(schema.TensorType.FLOAT32)
    with pytest.raises(ModelRefused, match="takes or gives float32, not int8"):
        Net.load(written(tmp_path, content), entry_of(content))


def test_a_net_that_the_runtime_cannot_build_is_refused(tmp_path: Path) -> None:
    content = toy_net(operation=schema.BuiltinOperator.SOFTMAX)
    with pytest.raises(ModelRefused, match="no net that this runtime can run"):
        Net.load(written(tmp_path, content), entry_of(content))


def test_a_custom_operation_is_refused(tmp_path: Path) -> None:
    content = toy_net(operation=schema.BuiltinOperator.CUSTOM, custom="surprise")
    with pytest.raises(ModelRefused, match="holds the custom operation b'surprise'"):
        Net.load(written(tmp_path, content), entry_of(content))


def test_another_shape_is_refused(tmp_path: Path) -> None:
    content = toy_net()
    entry = entry_of(content, replace(SPEC, shape=(1, 4, 1, 1)))
    with pytest.raises(ModelRefused, match="breaks the contract"):
        Net.load(written(tmp_path, content), entry)


def test_another_scale_is_refused(tmp_path: Path) -> None:
    content = toy_net()
    with pytest.raises(ModelRefused, match="breaks the contract"):
        Net.load(written(tmp_path, content), entry_of(content, replace(SPEC, scale=0.25)))


def test_another_number_of_outputs_is_refused(tmp_path: Path) -> None:
    content = toy_net()
    entry = replace(entry_of(content), outputs=(SPEC, SPEC))
    with pytest.raises(ModelRefused, match="has 1 tensors where 2 are due"):
        Net.load(written(tmp_path, content), entry)


def test_a_net_that_was_not_compiled_never_pretends_to_run_on_the_edge_tpu(tmp_path: Path) -> None:
    content = toy_net()
    with pytest.raises(ModelRefused, match="not compiled for the Edge TPU"):
        Net.load(written(tmp_path, content), entry_of(content), Accelerator.EDGE_TPU)


def compiled(content: bytes) -> NetEntry:
    """Return the entry of a toy net whose file for the Edge TPU is `content`."""
    digest = hashlib.sha256(content).digest()
    second = Compiled("toy_edgetpu.tflite", len(content), digest, "edgetpu_compiler 16.0")
    return replace(entry_of(toy_net()), edge_tpu=second)


def test_a_second_file_that_was_not_compiled_never_runs_on_the_processor_instead() -> None:
    content = toy_net()
    with pytest.raises(ModelRefused, match=r"toy_edgetpu\.tflite is not compiled for the Edge TPU"):
        Net(compiled(content), content, Accelerator.EDGE_TPU)


def test_an_absent_edge_tpu_is_refused(tmp_path: Path) -> None:
    content = toy_net(operation=schema.BuiltinOperator.CUSTOM, custom="edgetpu-custom-op")
    (tmp_path / "toy_edgetpu.tflite").write_bytes(content)
    with pytest.raises(ModelRefused, match="The Edge TPU does not answer"):
        Net.load(tmp_path, compiled(content), Accelerator.EDGE_TPU)


def test_another_file_for_the_edge_tpu_is_refused(tmp_path: Path) -> None:
    content = toy_net(operation=schema.BuiltinOperator.CUSTOM, custom="edgetpu-custom-op")
    (tmp_path / "toy_edgetpu.tflite").write_bytes(content + b"!")
    with pytest.raises(ModelRefused, match=r"toy_edgetpu\.tflite is not the file"):
        Net.load(tmp_path, compiled(content), Accelerator.EDGE_TPU)


def test_the_runtime_says_nothing_on_stderr(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = toy_net()
    Net.load(written(tmp_path, content), entry_of(content))
    assert capfd.readouterr().err == ""
