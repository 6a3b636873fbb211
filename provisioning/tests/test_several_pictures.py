"""Several pictures of one person: each is checked, all must agree, they make one entry."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from typer.testing import CliRunner

from formats.casefile import read_casefile
from provisioning.__main__ import app
from provisioning.tests.workshop import (
    COLLINS,
    HOPPER,
    Workshop,
    contents,
    refusal,
    tallylight,
)


@pytest.fixture
def brighter(prepared: Workshop) -> Path:
    """Return another picture of Grace Hopper: mirrored, in another light."""
    path = prepared.folder / "brighter.png"
    with Image.open(HOPPER) as picture:
        ImageEnhance.Brightness(ImageOps.mirror(picture.convert("RGB"))).enhance(1.2).save(path)
    return path


def add(workshop: Workshop, *pictures: Path) -> list[str | Path]:
    given = [word for path in pictures for word in ("--picture", path)]
    return ["list", "add", workshop.site, *given, *workshop.case()]


def build(workshop: Workshop) -> str:
    key = workshop.key("list-seal-example-police")
    return tallylight("list", "build", workshop.site, *key, *workshop.passphrase, "--yes")


def case_of(workshop: Workshop) -> bytes:
    return (workshop.site / "signed" / "list" / "watchlist-mill-lane.json").read_bytes()


def test_two_pictures_of_one_person_are_one_entry_with_two_templates(
    prepared: Workshop, brighter: Path
) -> None:
    assert "from 2 pictures; no picture was kept" in tallylight(*add(prepared, HOPPER, brighter))
    assert "Entries: 1. Templates: 2." in build(prepared)
    (entry,) = read_casefile(case_of(prepared)).entries
    assert len(entry.pictures) == 2
    assert entry.pictures[0] != entry.pictures[1]
    assert "2 pictures from: Family" in tallylight("list", "show", prepared.site)


def test_pictures_of_one_person_are_not_compared_with_each_other(
    prepared: Workshop, brighter: Path
) -> None:
    tallylight(*add(prepared, HOPPER, brighter))
    assert "no two people to mistake" in build(prepared)
    tallylight(*add(prepared, COLLINS))
    assert "most alike reach 0." in build(prepared)


def test_a_picture_of_another_person_is_refused_by_name(prepared: Workshop, brighter: Path) -> None:
    before = contents(prepared.site)
    output = refusal(*add(prepared, HOPPER, brighter, COLLINS))
    assert "The pictures do not agree: astronaut.png (" in output
    assert "grace_hopper.jpg (" not in output
    assert contents(prepared.site) == before


def test_the_same_picture_twice_is_refused(prepared: Workshop) -> None:
    before = contents(prepared.site)
    assert "are the same picture" in refusal(*add(prepared, HOPPER, HOPPER))
    assert contents(prepared.site) == before


def test_each_picture_is_measured_and_each_that_will_not_do_is_named(
    prepared: Workshop, brighter: Path
) -> None:
    blurred, empty = prepared.folder / "blurred.png", prepared.folder / "empty.png"
    with Image.open(HOPPER) as picture:
        picture.filter(ImageFilter.GaussianBlur(9)).save(blurred)
    Image.fromarray(np.full((400, 400, 3), 127, np.uint8)).save(empty)
    words = add(prepared, brighter, blurred, empty)
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 1
    assert all(path.name in result.stderr for path in (brighter, blurred, empty))
    sentence = result.stderr.splitlines()[-1]
    assert "blurred.png: The face is blurred" in sentence
    assert "empty.png: There is no face" in sentence
    assert "brighter.png:" not in sentence
    assert not list((prepared.site / "entries").iterdir())


def test_nine_pictures_are_refused(prepared: Workshop) -> None:
    assert "1 to 8 pictures" in refusal(*add(prepared, *[HOPPER] * 9))
