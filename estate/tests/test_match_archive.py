"""What the recipient of a match gets: one archive that opens by itself and can be checked."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import count
from pathlib import Path
from zipfile import ZipFile

import pyrage
import pytest
from playwright.sync_api import Browser

from estate.accounts.match_archive import pack_match
from estate.accounts.match_page import CERTAINTY
from estate.console.desk import Desk
from estate.opening.portraits import find_portrait
from estate.tests.books import Office, jpeg
from estate.tests.command_line import done
from estate.tests.test_accessibility import faults
from estate.verdicts.export import Agreed, sign_export
from firmware.tests import desk as authority
from formats.envelope import TimeQuality
from formats.event import CROP_LIMIT
from formats.portrait import PICTURE_LIMIT, seal_portrait
from formats.strict_json import loads
from formats.verdict import NO_PORTRAIT, Judgement, portrait_digest, read_verdict

READER = pyrage.x25519.Identity.generate()
KEY = str(READER.to_public())
PORTRAIT = jpeg(90)
LARGEST = b"\xff\xd8\xff".ljust(PICTURE_LIMIT, b"x")
NUMBERS = count(2)
NAMES = [
    "match.html",
    "seen-by-the-camera.jpg",
    "on-the-list.jpg",
    "verdict-1.json",
    "verdict-2.json",
    "match.json",
    "verifier.txt",
    "README.txt",
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Return an office with an enrolment picture and a checkpoint."""
    office = Office(tmp_path_factory.mktemp("office") / "office")
    keep_portrait(office)
    office.arrive(1)
    checkpoint(office)
    yield office
    office.store.close()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Office]:
    """Return an office without pictures and checkpoints."""
    office = Office(tmp_path / "office")
    yield office
    office.store.close()


def keep_portrait(office: Office, picture: bytes = PORTRAIT) -> None:
    readers = [office.opening(number).public_key for number in (1, 2)]
    handle = office.candidate().entry
    sealed = seal_portrait(picture, handle, sealer=authority.SEALERS["police"], reviewers=readers)
    folder = office.folder / "books" / "portraits"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{handle.hex()}.sealed").write_bytes(sealed.blob)


def agreed(office: Office, to: str = "The police", **changes: object) -> Agreed:
    """Let two people confirm an event beside the portrait in the books, and sign its hand-over."""
    event = office.arrive(next(NUMBERS), **changes).digest  # type: ignore[arg-type]  # As a test wants it.
    desks = [office.desk(number) for number in (1, 2)]
    return judged(event, desks, [shown(office, desk, event) for desk in desks], to)


def judged(
    event: bytes, desks: list[Desk], portraits: list[bytes], to: str = "The police"
) -> Agreed:
    """Let each person say that it is a match; the first two sign its hand-over."""
    for desk, portrait in zip(desks, portraits, strict=True):
        desk.judge(event, Judgement.MATCH, portrait)
    both = [sign_export(desk, event, KEY, to) for desk in desks[:2]]
    assert both[1] is not None
    return both[1]


def shown(office: Office, desk: Desk, event: bytes, jpeg: bytes | None = None) -> bytes:
    """Return what a verdict says of a portrait, by default of the one that lies in the books."""
    standing = desk.standing(event)
    assert standing is not None
    candidate, folder = standing.candidate, office.folder / "books" / "portraits"
    jpeg = jpeg or find_portrait(folder, candidate.entry, desk.site, desk.key)
    return NO_PORTRAIT if jpeg is None else portrait_digest(candidate, jpeg)


def checkpoint(office: Office) -> None:
    done("ledger", "checkpoint", "--config", str(office.settings), *office.passphrase, "--yes")


def pack(office: Office, both: Agreed) -> bytes:
    return pack_match(office.desk(2), office.folder / "books", both)


def unpack(archive: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_archive_holds_the_page_the_pictures_the_verdicts_and_the_answer(
    office: Office,
) -> None:
    both = agreed(office)
    files = unpack(pack(office, both))
    assert list(files) == NAMES
    assert files["seen-by-the-camera.jpg"] == both.candidate.crop_jpeg
    assert files["on-the-list.jpg"] == PORTRAIT
    assert b"records verified" in files["verifier.txt"]
    assert both.first.event.hex().encode() in files["verifier.txt"]


def test_the_verdicts_in_the_archive_verify(office: Office) -> None:
    both = agreed(office)
    files = unpack(pack(office, both))
    for number in (1, 2):
        key = office.verdict_key(number).verify_key
        verdict = read_verdict(files[f"verdict-{number}.json"], key)
        assert (verdict.event, verdict.judgement) == (both.first.event, Judgement.MATCH)


def test_programs_get_the_opened_event_and_both_verdicts(office: Office) -> None:
    both = agreed(office)
    content = loads(unpack(pack(office, both))["match.json"], limit=1 << 20)
    assert content["event"] == both.first.event.hex()
    assert len(list(content["verdicts"])) == 2  # type: ignore[arg-type]  # A list.


def test_the_same_match_gives_the_same_bytes(office: Office) -> None:
    both = agreed(office)
    assert pack(office, both) == pack(office, both)


def test_no_file_is_named_after_a_person_or_a_place(office: Office) -> None:
    both = agreed(office, to="Inspector Miller")
    assert set(unpack(pack(office, both))) <= set(NAMES)


def test_without_pictures_the_page_says_why(bare: Office) -> None:
    both = agreed(bare, crop_jpeg=None)
    files = unpack(pack(bare, both))
    assert [name for name in files if name.endswith(".jpg")] == []
    assert b"policy allows no picture" in files["match.html"]
    assert b"sealed no enrolment picture" in files["match.html"]


def test_only_the_enrolment_picture_that_both_reviewers_saw_is_handed_over(bare: Office) -> None:
    keep_portrait(bare)
    both = agreed(bare)
    files = unpack(pack(bare, both))
    assert files["on-the-list.jpg"] == PORTRAIT
    assert b"On the list, as both reviewers saw it" in files["match.html"]
    keep_portrait(bare, PORTRAIT + b"another")
    files = unpack(pack(bare, both))
    assert "on-the-list.jpg" not in files
    assert b"picture that the reviewers saw is not kept here" in files["match.html"]


def test_a_picture_that_no_reviewer_was_shown_is_not_handed_over(bare: Office) -> None:
    both = agreed(bare)
    keep_portrait(bare)
    files = unpack(pack(bare, both))
    assert "on-the-list.jpg" not in files
    assert b"were shown no enrolment picture" in files["match.html"]


def test_of_three_verdicts_the_two_that_confirm_are_handed_over(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", organisations=("police", "estate", "council"))
    event = office.arrive().digest
    desks = [office.desk(number) for number in (1, 2, 3)]
    same = shown(office, desks[0], event, PORTRAIT)
    files = unpack(pack(office, judged(event, desks, [same, NO_PORTRAIT, same])))
    text = words_of(files["match.html"].decode()).partition("Who hands it over")[0]
    assert [name for name in ("r1, police", "r2, estate", "r3, council") if name in text] == [
        "r1, police",
        "r3, council",
    ]
    assert "verdict-3.json" not in files
    office.store.close()


def test_a_picture_is_named_by_what_it_is(office: Office) -> None:
    both = agreed(office, crop_jpeg=b"\x89PNG\r\n\x1a\n and the rest")
    files = unpack(pack(office, both))
    assert files["seen-by-the-camera.png"] == both.candidate.crop_jpeg
    assert b"data:image/png;base64," in files["match.html"]


def test_the_largest_match_stays_below_400_kb(bare: Office) -> None:
    keep_portrait(bare, LARGEST)
    both = agreed(bare, "x" * 128, crop_jpeg=b"\xff\xd8\xff".ljust(CROP_LIMIT, b"x"))
    assert len(pack(bare, both)) < 400_000


def test_books_that_the_verifier_refuses_are_said_to_be_refused(bare: Office) -> None:
    files = unpack(pack(bare, agreed(bare)))
    assert b"REFUSED: No checkpoint signs the ledger estate" in files["verifier.txt"]
    assert b"The verifier refused the books: No checkpoint" in files["match.html"]
    assert b"ledger has all of it in order" not in files["match.html"]


def test_the_page_says_that_the_verifier_could_not_verify_everything(office: Office) -> None:
    files = unpack(pack(office, agreed(office)))
    doubts = files["verifier.txt"].count(b"\nNOT VERIFIED: ")
    text = words_of(files["match.html"].decode())
    assert doubts > 0
    assert f"It could not verify everything: {doubts} lines say what." in text


def test_the_answer_about_another_event_is_not_handed_over(office: Office) -> None:
    both, other = agreed(office), agreed(office)
    answer = unpack(pack(office, both))["verifier.txt"].decode()
    assert both.first.event.hex() in answer
    assert other.first.event.hex() not in answer


def test_a_long_answer_is_cut_and_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("estate.accounts.verifier_answer.LINES_LIMIT", 5)
    answer = unpack(pack(office, agreed(office)))["verifier.txt"].decode().splitlines()
    assert (len(answer), answer[-1]) == (5, "(The rest is left out here: verify the books.)")


def test_the_page_says_who_where_when_and_how_sure(office: Office) -> None:
    both = agreed(office)
    text = words_of(unpack(pack(office, both))["match.html"].decode())
    for words in (
        *("North gate, site mill", "r1, police", "r2, estate", "The police", KEY),
        *("missing person", "Some Act", "0.812", "a likeness, not a probability"),
        *("did not prove its identity", "A lead, not an identification", "UTC"),
        *("Record", "The sealed event arrived", "sha256sum match.zip", both.first.event.hex()),
        "The verifier found all",
    ):
        assert words in text


def words_of(page: str) -> str:
    """Return the text of a page, as a person reads it."""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split())


@pytest.mark.parametrize("quality", TimeQuality)
def test_the_page_says_how_certain_the_clock_is(office: Office, quality: TimeQuality) -> None:
    both = agreed(office, time_quality=quality)
    text = words_of(unpack(pack(office, both))["match.html"].decode())
    assert CERTAINTY[quality].replace("'", "&#39;") in text


def test_a_name_is_text_and_not_a_part_of_the_page(office: Office) -> None:
    page = unpack(pack(office, agreed(office, to="<script>alert(1)</script>")))["match.html"]
    assert b"<script" not in page
    assert b"&lt;script&gt;" in page


def test_the_readme_says_how_to_check_it_and_lists_every_file(office: Office) -> None:
    both = agreed(office)
    files = unpack(pack(office, both))
    readme = files["README.txt"].decode()
    assert [name for name in files if name not in readme] == []
    assert both.first.event.hex() in readme
    assert "tallylight-verify BOOKS --kept" in readme
    assert max(map(len, readme.splitlines())) <= 80


def test_the_page_loads_nothing_and_is_accessible(
    office: Office, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "match.html"
    file.write_bytes(unpack(pack(office, agreed(office)))["match.html"])
    asked: list[str] = []
    said: list[str] = []
    for width in (390, 1200):
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(file.as_uri())
        assert page.evaluate("[...document.images].every(each => each.naturalWidth > 0)")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert faults(page) == []
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
