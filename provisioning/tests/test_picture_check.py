"""The person who enrols sees each measure beside its bound, good or not."""

from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from provisioning.__main__ import app
from provisioning.tests.workshop import HOPPER, Workshop

MEASURES = (
    *("face, px high", "px from eye to eye", "sharpness", "nose off the middle", "tilt"),
    "brightness",
    *("eyes free", "mouth and chin free", "sides free"),
)


def add(workshop: Workshop, picture: Path) -> tuple[int, str]:
    words = ["list", "add", workshop.site, "--picture", picture, *workshop.case()]
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


def test_a_picture_that_will_do_is_shown_with_every_bound(prepared: Workshop) -> None:
    code, output = add(prepared, HOPPER)
    assert code == 0
    assert all(measure in output for measure in MEASURES)
    assert output.count("\N{CHECK MARK}") == len(MEASURES)


def test_a_picture_that_will_not_do_is_shown_with_every_bound_and_what_to_do(
    prepared: Workshop,
) -> None:
    small = prepared.folder / "small.png"
    with Image.open(HOPPER) as picture:
        picture.resize((picture.width // 4, picture.height // 4)).save(small)
    code, output = add(prepared, small)
    assert code == 1
    assert all(measure in output for measure in MEASURES)
    assert "\N{BALLOT X}" in output
    assert "Use a larger picture" in output
    assert not list((prepared.site / "entries").iterdir())


def test_a_picture_without_colour_is_enrolled_and_said_to_have_none(prepared: Workshop) -> None:
    grey = prepared.folder / "grey.png"
    with Image.open(HOPPER) as picture:
        picture.convert("L").save(grey)
    code, output = add(prepared, grey)
    assert code == 0
    assert "No colour is in grey.png." in output
    assert "No colour" not in add(prepared, HOPPER)[1]
