"""Sealing an enrolment picture to the reviewers: recipients, metadata, refusals."""

from pathlib import Path

import pytest

from formats.envelope import Kind, read
from provisioning.tests.workshop import HOPPER, Workshop, refusal, tallylight

HANDLE = "0a" * 16


def seal(workshop: Workshop, *words: str | Path, picture: Path = HOPPER) -> list[str | Path]:
    key = workshop.key("list-seal-example-police")
    to = ("--to", workshop.folder / "portraits")
    usual = ("--picture", picture, *key, *to, *workshop.passphrase)
    return ["portrait", "seal", workshop.site, *(words or (HANDLE,)), *usual, "--yes"]


def test_a_picture_is_sealed_to_every_reviewer_without_what_was_in_its_file(
    prepared: Workshop,
) -> None:
    assert "2 reviewers can see" in tallylight(*seal(prepared))
    (file,) = (prepared.folder / "portraits").iterdir()
    sealed = read(Kind.PORTRAIT, file.read_bytes())
    assert (file.name, sealed.header.slot_count) == (f"{HANDLE}.sealed", 2)
    assert b"\xff\xd8\xff" not in file.read_bytes()


def test_what_is_no_picture_is_refused(prepared: Workshop) -> None:
    text = prepared.folder / "text.jpg"
    text.write_text("not a picture")
    assert "is not a picture: use one of" in refusal(*seal(prepared, picture=text))
    assert not (prepared.folder / "portraits").exists()


@pytest.mark.parametrize("text", ["0a", "zz" * 16])
def test_a_text_that_is_no_handle_is_refused(prepared: Workshop, text: str) -> None:
    assert "16 bytes" in refusal(*seal(prepared, text))
