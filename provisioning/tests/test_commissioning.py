"""A mounted camera is handed over: the installer signs a page, a person of the site accepts it."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pypdfium2
import pytest
from nacl.signing import SigningKey

from formats.commissioning import (
    WORDS_LIMIT,
    PlanPoint,
    read_commissioning,
    read_commissioning_acceptance,
    write_commissioning,
)
from formats.keyfile import Purpose, make_key, write_key
from formats.strict_json import JsonValue, dumps
from formats.tests import registration_vectors as vectors
from provisioning.papers.commissioning import commissioning_items, draw_commissioning
from provisioning.tests.test_check import REPORT, WALK
from provisioning.tests.test_papers import words_of
from provisioning.tests.workshop import CHEAP, PASSPHRASE, refusal, tallylight

LIST: dict[str, JsonValue] = {"name": "list", "there": True, "words": "version 7, accepted at noon"}


@dataclass(frozen=True)
class Mounted:
    """What an installer has beside a mounted camera, and what a person of the site has."""

    folder: Path

    def report(self, **changes: JsonValue) -> None:
        parts: list[JsonValue] = [
            {"name": "lamp", "there": True, "words": "the guard listens"},
            LIST,
        ]
        content = dumps(REPORT | {"parts": parts} | changes)
        (self.folder / "report.json").write_bytes(content)

    def commission(self, *more: str) -> tuple[str | Path, ...]:
        files = (self.folder / "installer.jsonl", "10000000abcdef01", self.folder / "report.json")
        said = ("--place", "North gate", "--lamp-seen-by", "staff 17", "--to", self.folder / "out")
        return "papers", "commission", *files, *said, *self._signing("installer"), *more

    def accept(self, *more: str, by: str = "person") -> tuple[str | Path, ...]:
        return "papers", "accept", self.page, *self._signing(by), *more

    @property
    def page(self) -> Path:
        (found,) = (self.folder / "out").glob("commissioning-????????????????????????????????.json")
        return found

    def _signing(self, name: str) -> tuple[str | Path, ...]:
        passphrase = ("--passphrase-file", self.folder / "passphrase")
        return "--key", self.folder / f"{name}.key", *passphrase


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    purposes = {"installer": Purpose.INSTALLER, "person": Purpose.VERDICT}
    for name, purpose in purposes.items():
        write_key(tmp_path / f"{name}.key", make_key(purpose, name, PASSPHRASE, CHEAP))
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    (tmp_path / "installer.jsonl").write_bytes(vectors.record() + b"\n")
    made = Mounted(tmp_path)
    made.report()
    return made


def test_two_people_sign_a_page_one_after_the_other(mounted: Mounted) -> None:
    shown = tallylight(*mounted.commission("--x", "120", "--y", "85", "--yes"))
    page = read_commissioning(mounted.page.read_bytes().strip())
    assert (page.place, page.lamp_seen_by, page.plan) == (
        "North gate",
        "staff 17",
        PlanPoint(120, 85),
    )
    assert page.registration == sha256(vectors.record()).digest()
    assert page.report == sha256((mounted.folder / "report.json").read_bytes()).digest()
    assert (page.walk.faces, page.list) == (90, "version 7, accepted at noon")
    assert "North gate" in shown
    paper = words_of(mounted.page.with_suffix(".pdf").read_bytes())
    assert "NOT ACCEPTED YET" in paper
    before = mounted.page.read_bytes()
    said = json.loads(tallylight(*mounted.accept("--yes", "--json")).splitlines()[-1])
    found, acceptance = read_commissioning_acceptance(Path(said["page"]).read_bytes().strip())
    assert (found, acceptance.signed_page) == (page, before.strip())
    assert mounted.page.read_bytes() == before
    paper = words_of(Path(said["paper"]).read_bytes())
    assert "NOT ACCEPTED" not in paper
    for item in commissioning_items(page):
        for value in item.facts.values():
            assert " ".join(value.split()) in paper


@pytest.mark.parametrize("step", ["commission", "accept"])
def test_without_a_person_who_agrees_nothing_is_signed(mounted: Mounted, step: str) -> None:
    words = mounted.commission()
    if step == "accept":
        tallylight(*mounted.commission("--yes"))
        words = mounted.accept()
    before = sorted(mounted.folder.rglob("*"))
    assert "Nothing was signed" in refusal(*words)
    assert sorted(mounted.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"armed": False, "verdict": "Not armed: no list."}, "Not armed: no list."),
        ({"period": None}, "walk past twice"),
        ({"period": WALK | {"faces": 19}}, "walk past twice"),
        ({"parts": []}, "not commissioned"),
        ({"parts": [LIST | {"there": False}]}, "not commissioned"),
    ],
)
def test_a_camera_that_is_not_ready_is_not_handed_over(
    mounted: Mounted, changes: dict[str, JsonValue], sentence: str
) -> None:
    mounted.report(**changes)
    assert sentence in refusal(*mounted.commission("--yes"))
    assert not (mounted.folder / "out").exists()


def test_a_page_is_signed_with_keys_of_their_purpose(mounted: Mounted) -> None:
    tallylight(*mounted.commission("--yes"))
    assert "installer" in refusal(*mounted.accept("--yes", by="installer"))
    (mounted.folder / "installer.key").unlink()
    (mounted.folder / "person.key").rename(mounted.folder / "installer.key")
    assert "verdict" in refusal(*mounted.commission("--yes"))


def test_what_is_signed_already_is_not_replaced(mounted: Mounted) -> None:
    tallylight(*mounted.commission("--yes"))
    tallylight(*mounted.accept("--yes"))
    before = {path: path.read_bytes() for path in (mounted.folder / "out").iterdir()}
    assert "signed already" in refusal(*mounted.commission("--yes"))
    assert "signed already" in refusal(*mounted.accept("--yes"))
    assert {path: path.read_bytes() for path in before} == before


def test_a_page_that_was_changed_is_not_accepted(mounted: Mounted) -> None:
    tallylight(*mounted.commission("--yes"))
    mounted.page.write_bytes(mounted.page.read_bytes().replace(b"North gate", b"South gate"))
    assert "is refused" in refusal(*mounted.accept("--yes"))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--x", "1"), "name both, or neither"),
        (("--place", "a\nb"), "place"),
        (("--lamp-seen-by", ""), "lamp_seen_by"),
    ],
)
def test_what_cannot_be_read_back_is_not_written(
    mounted: Mounted, more: tuple[str, ...], sentence: str
) -> None:
    assert sentence in refusal(*mounted.commission("--yes", *more))
    assert not (mounted.folder / "out").exists()


def test_a_page_for_training_says_so_and_long_sentences_get_a_second_page() -> None:
    key = SigningKey.generate()
    vector = (Path(vectors.__file__).parent / "vectors" / "commissioning.json").read_text()
    page = replace(
        read_commissioning(json.loads(vector)["page"].encode()),
        training=True,
        verdict="word " * (WORDS_LIMIT // 5 - 1) + "last",
        list="list " * (WORDS_LIMIT // 5 - 1) + "last",
        installer=key.verify_key,
    )
    read_commissioning(write_commissioning(page, key))
    drawn = draw_commissioning(commissioning_items(page), accepted=False)
    assert "TRAINING: this is not a real camera" in words_of(drawn)
    with pypdfium2.PdfDocument(drawn) as document:
        pages = [each.get_textpage() for each in document]
        assert len(pages) > 1
        assert all(one.get_text_bounded(bottom=30) == one.get_text_bounded() for one in pages)
