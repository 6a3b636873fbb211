"""Labels of a manifest's cameras, each record verified again; a label printer that fails."""

import json
from base64 import b64encode
from pathlib import Path

import pypdfium2
import pytest

from formats.registration_record import Registration, read_registration
from formats.tests import registration_vectors as vectors
from provisioning.errors import CameraRefused
from provisioning.papers.labels import LAYOUTS, NOT_REAL, TRAINING, Label, draw_labels, label_of
from provisioning.registration.printer import LabelPrinter
from provisioning.site.folder import Site
from provisioning.tests.test_papers import codes_of, words_of
from provisioning.tests.workshop import refusal, tallylight

SERIAL = "10000000abcdef01"


def for_training() -> bytes:
    """Return the record of a camera whose board keeps no key."""
    asked = vectors.request("none")
    of = vectors.transcript(asked)
    parts = {
        "request": asked,
        "acceptance": vectors.acceptance(of, training=True),
        "lamp_record": vectors.lamp_record(of),
    }
    return vectors.record(**{name: b64encode(part).decode() for name, part in parts.items()})


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "installer.jsonl"
    path.write_bytes(vectors.record() + b"\n")
    return path


def test_the_labels_of_a_manifest_are_of_its_records(manifest: Path, tmp_path: Path) -> None:
    to = tmp_path / "labels.pdf"
    said = tallylight("papers", "labels", manifest, "--to", to)
    label = label_of(read_registration(vectors.record()))
    assert codes_of(to.read_bytes()) == [label.code]
    assert (label.site, label.board, label.level) == ("mill", SERIAL, "otp")
    assert TRAINING not in words_of(to.read_bytes())
    assert "1 in all, 0 for training" in said
    assert bytes(vectors.INSTALLER.verify_key).hex()[:16] in said


@pytest.mark.parametrize("layout", ["sheet", "roll"])
def test_the_label_of_a_camera_for_training_says_so_and_names_the_level(
    manifest: Path, tmp_path: Path, layout: str
) -> None:
    manifest.write_bytes(for_training() + b"\n")
    to = tmp_path / "labels.pdf"
    words = ("papers", "labels", manifest, "--to", to, "--layout", layout, "--json")
    said = json.loads(tallylight(*words))
    assert said["training"] == said["cameras"]
    drawn = words_of(to.read_bytes())
    assert drawn.startswith(f"{TRAINING} {NOT_REAL}")
    assert "key: none" in drawn


def test_a_manifest_with_a_changed_byte_draws_nothing(manifest: Path, tmp_path: Path) -> None:
    content = manifest.read_bytes()
    to = tmp_path / "labels.pdf"
    for place in range(0, len(content), len(content) // 40):
        changed = bytes([content[place] ^ 1])
        manifest.write_bytes(content[:place] + changed + content[place + 1 :])
        assert "no label was drawn" in refusal("papers", "labels", manifest, "--to", to)
    manifest.write_bytes(content[:-1])
    assert "cut off" in refusal("papers", "labels", manifest, "--to", to)
    assert not to.exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--camera", "0000"), "0 cameras of this manifest are called '0000'"),
        (("--camera", "1"), "0 cameras of this manifest are called '1'"),
        (("--skip", "24"), "skip 23 at most"),
        (("--layout", "roll", "--skip", "1"), "skip 0 at most"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    manifest: Path, tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    to = tmp_path / "labels.pdf"
    assert sentence in refusal("papers", "labels", manifest, "--to", to, *options)
    assert not to.exists()


def test_a_manifest_is_no_paper_to_write_to(manifest: Path) -> None:
    before = manifest.read_bytes()
    sentence = refusal("papers", "labels", manifest, "--to", manifest)
    assert "name a file that ends with .pdf" in sentence
    assert manifest.read_bytes() == before


def test_a_manifest_without_records_or_without_a_file_is_refused(tmp_path: Path) -> None:
    words = ("--to", tmp_path / "labels.pdf")
    empty = tmp_path / "empty.jsonl"
    assert "There is no manifest" in refusal("papers", "labels", empty, *words)
    empty.touch()
    assert "holds no registration" in refusal("papers", "labels", empty, *words)


def test_one_camera_is_named_by_its_board(manifest: Path, tmp_path: Path) -> None:
    to = tmp_path / "labels.pdf"
    tallylight("papers", "labels", manifest, "--to", to, "--camera", SERIAL, "--skip", "23")
    assert len(codes_of(to.read_bytes())) == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_label_with_the_longest_texts_stays_in_its_place(layout: str) -> None:
    label = Label("w" * 32, "ab" * 16, "w" * 64, "otp+signed-boot", bytes([9]) * 160, training=True)
    pdf = draw_labels([label], LAYOUTS[layout])
    _, height = LAYOUTS[layout].size
    with pypdfium2.PdfDocument(pdf) as document:
        (page,) = document
        text = page.get_textpage()
        lowest = page.get_height() - (LAYOUTS[layout].top + height) * 72 / 25.4
        assert text.get_text_bounded(bottom=lowest) == text.get_text_bounded()
    assert words_of(pdf).replace(" ", "").count("w") >= 96


@pytest.fixture
def registration() -> Registration:
    return read_registration(vectors.record())


def a_printer(folder: Path, script: str) -> Path:
    """Return a program with the options of CUPS' lp."""
    path = folder / "lp"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_label_goes_to_the_named_printer_in_its_size(
    tmp_path: Path, registration: Registration
) -> None:
    lp = a_printer(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/said')
    LabelPrinter(Site(tmp_path / "site"), "labels", lp).print_label(registration)
    *words, path = (tmp_path / "said").read_text().splitlines()
    assert words == ["-d", "labels", "-o", "media=Custom.62x34mm"]
    assert codes_of(Path(path).read_bytes()) == [label_of(registration).code]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'lp: The printer or class does not exist.' >&2; exit 1", "class does not exist"),
        ("exit 3", "exit code 3"),
    ],
)
def test_a_printer_that_refuses_is_quoted_and_the_label_lies_beside_the_manifest(
    tmp_path: Path, registration: Registration, script: str, reason: str
) -> None:
    printer = LabelPrinter(Site(tmp_path / "site"), "labels", a_printer(tmp_path, script))
    with pytest.raises(CameraRefused, match=reason) as refused:
        printer.print_label(registration)
    (path,) = (tmp_path / "site" / "registrations" / "labels").iterdir()
    assert str(path) in str(refused.value)
    assert codes_of(path.read_bytes()) == [label_of(registration).code]


def test_a_machine_without_cups_says_what_to_install(
    tmp_path: Path, registration: Registration
) -> None:
    printer = LabelPrinter(Site(tmp_path / "site"), "labels", tmp_path / "none")
    with pytest.raises(CameraRefused, match="install cups-client"):
        printer.print_label(registration)


def test_a_label_that_cannot_be_written_is_said(tmp_path: Path, registration: Registration) -> None:
    (tmp_path / "site").touch()
    with pytest.raises(CameraRefused, match="its label cannot be written"):
        LabelPrinter(Site(tmp_path / "site")).print_label(registration)
