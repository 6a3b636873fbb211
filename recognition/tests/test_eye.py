"""A bundle with a valid signature is refused for each fault of its nets and its manifest."""

from pathlib import Path

import pytest

from recognition.errors import ModelRefused
from recognition.eye import Eye
from recognition.interpreter import Accelerator
from recognition.tests.bundles import signed

EMBEDDER = "embedder.int8.tflite"


def edited(folder: Path, old: str, new: str) -> Path:
    path = folder / "manifest.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return folder


def test_a_net_that_is_missing_is_refused(unsigned: Path) -> None:
    (unsigned / EMBEDDER).unlink()
    with pytest.raises(ModelRefused, match=f"{EMBEDDER} cannot be read"):
        Eye.load(signed(unsigned))


def test_a_net_with_a_flipped_byte_is_refused(unsigned: Path) -> None:
    content = bytearray((unsigned / EMBEDDER).read_bytes())
    content[len(content) // 2] ^= 1
    (unsigned / EMBEDDER).write_bytes(content)
    with pytest.raises(ModelRefused, match="not the file the manifest names"):
        Eye.load(signed(unsigned))


def test_a_truncated_net_is_refused(unsigned: Path) -> None:
    (unsigned / EMBEDDER).write_bytes((unsigned / EMBEDDER).read_bytes()[:-1])
    with pytest.raises(ModelRefused, match="not the file the manifest names"):
        Eye.load(signed(unsigned))


def test_a_contract_that_the_net_does_not_keep_is_refused(unsigned: Path) -> None:
    with pytest.raises(ModelRefused, match="breaks the contract"):
        Eye.load(signed(edited(unsigned, "zero_point = -128", "zero_point = -127")))


def test_a_contract_in_floats_is_refused(unsigned: Path) -> None:
    with pytest.raises(ModelRefused, match="must take and give int8"):
        Eye.load(signed(edited(unsigned, 'dtype = "int8"', 'dtype = "float32"')))


def test_a_bundle_without_calibration_is_refused(unsigned: Path) -> None:
    path = unsigned / "manifest.toml"
    path.write_text(path.read_text("utf-8").split("\n[calibration]\n")[0], "utf-8")
    with pytest.raises(ModelRefused, match="calibration is missing"):
        Eye.load(signed(unsigned))


def test_the_manifest_that_was_verified_is_the_one_that_is_read(unsigned: Path) -> None:
    bundle = signed(unsigned)
    edited(unsigned, "score_ppm = 240000", "score_ppm = 1")
    assert Eye.load(bundle).manifest.calibration.rates[0].score_ppm == 240_000


def test_nets_for_the_processor_are_refused_on_an_edge_tpu(unsigned: Path) -> None:
    with pytest.raises(ModelRefused, match="not compiled for the Edge TPU"):
        Eye.load(signed(unsigned), Accelerator.EDGE_TPU)
