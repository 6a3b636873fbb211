"""The comparison of `make image-smoke`: what would be wrong with an image is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from hil_tests.errors import DeskRefused
from hil_tests.long.image_smoke import __main__ as smoke

ANSWER = {"modules": 167, "sealed": True, "templates": [[[1, 127]], [[127, 1]]]}


def test_an_image_that_does_as_this_machine_has_no_fault() -> None:
    rounded = ANSWER | {"templates": [[[2, 127]], [[127, 3]]]}
    assert smoke.differences(rounded, ANSWER) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"modules": 166}, "166 modules"),
        ({"sealed": False}, "opens no event"),
        ({"templates": [[], [[127, 1]]]}, "finds"),
        ({"templates": [[[127, 1]], [[127, 1]]]}, "less alike"),
    ],
)
def test_what_differs_is_named(change: dict[str, Any], sentence: str) -> None:
    assert any(sentence in fault for fault in smoke.differences(ANSWER | change, ANSWER))


def test_a_board_without_an_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "IMAGES", Path("/nonexistent"))
    with pytest.raises(DeskRefused, match="make image BOARD=pi4"):
        smoke.image_folder("pi4")


def test_the_form_without_a_camera_stands_in_for_a_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke, "IMAGES", tmp_path)
    (tmp_path / "pi4-nocamera").mkdir()
    (tmp_path / "pi4-nocamera" / "system.img").touch()
    assert smoke.image_folder("pi4") == tmp_path / "pi4-nocamera"


@pytest.mark.parametrize(("arch", "emulated"), [("arm64", True), ("amd64", False)])
def test_only_an_image_for_another_processor_is_emulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arch: str, *, emulated: bool
) -> None:
    link = f"pkg:deb/debian/dash@0.5?arch={arch}"
    package = {"externalRefs": [{"referenceLocator": link}]}
    (tmp_path / "sbom.spdx.json").write_text(json.dumps({"packages": [package]}))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert bool(smoke.emulator(tmp_path / "system.img")) == emulated
