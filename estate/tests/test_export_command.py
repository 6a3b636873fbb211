"""`tallylight-estate export` as two reviewers meet it, each with their own key."""

import json
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pyrage
import pytest
from typer.testing import Result

from estate.accounts.verify import verify_books
from estate.store.ledger import append_record
from estate.tests.books import Office
from estate.tests.command_line import done, refusal, run
from formats.ledger import Happening
from formats.verdict import Judgement

READER = pyrage.x25519.Identity.generate()
KEY = str(READER.to_public())


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    office = Office(tmp_path / "office")
    monkeypatch.chdir(tmp_path)
    yield office
    office.store.close()


@pytest.fixture
def event(office: Office) -> str:
    event = office.arrive().digest
    for number in (1, 2):
        office.desk(number).judge(event, Judgement.MATCH)
    return event.hex()


def export(office: Office, number: int, event: str, *more: str) -> Result:
    key = str(office.folder / f"r{number}.key")
    words = ("export", event, "--config", str(office.settings), "--key", key, *office.passphrase)
    return run(*words, *more)


def test_two_people_hand_a_match_over(office: Office, event: str, tmp_path: Path) -> None:
    first = export(office, 1, event, "--to", "The police", "--recipient", KEY, "--yes")
    assert (first.exit_code, "A second person must sign it" in first.stdout) == (0, True)
    second = export(office, 2, event[:8], "--yes")
    assert second.exit_code == 0, second.output
    for words in ("r1 (police) asks", "The police", event[:16], "North gate"):
        assert words in second.stdout
    assert KEY in "".join(second.stdout.split())  # Its end stands on the next line.
    file = tmp_path / f"match-{event[:16]}.age"
    assert f"Give {file.name} to The police" in second.stdout
    archive = pyrage.decrypt(file.read_bytes(), [READER])
    assert "match.html" in ZipFile(BytesIO(archive)).namelist()


def test_an_outsider_finds_the_archive_in_the_verified_books(
    office: Office, event: str, tmp_path: Path
) -> None:
    export(office, 1, event, "--to", "The police", "--recipient", KEY, "--yes")
    export(office, 2, event, "--yes", "--file", str(tmp_path / "match.age"))
    config = ("--config", str(office.settings))
    done("ledger", "checkpoint", *config, *office.passphrase, "--yes")
    done("ledger", "export", str(tmp_path / "books"), *config)
    _, events, _ = verify_books(tmp_path / "books", None)
    archive = pyrage.decrypt((tmp_path / "match.age").read_bytes(), [READER])
    body = events.found[event]["exported"]["body"]
    assert (body["archive"], body["to"]) == (sha256(archive).hexdigest(), "The police")


def test_machines_are_told_the_same(office: Office, event: str, tmp_path: Path) -> None:
    named = ("--to", "The police", "--recipient", KEY, "--yes", "--json")
    asked = json.loads(export(office, 1, event, *named).stdout)
    assert (asked["handed_over"], asked["file"]) == (False, None)
    file = str(tmp_path / "match.age")
    made = json.loads(export(office, 2, event, "--file", file, "--yes", "--json").stdout)
    assert (made["handed_over"], made["file"], made["to"]) == (True, file, "The police")


def test_without_a_question_nothing_is_signed(office: Office, event: str) -> None:
    export(office, 1, event, "--to", "The police", "--recipient", KEY, "--yes")
    said = export(office, 2, event)
    assert (said.exit_code, KEY in "".join(said.stdout.split())) == (1, True)
    assert "there is no terminal to ask on" in said.stderr
    assert list(Path.cwd().glob("*.age")) == []


def test_what_was_asked_is_taken_back(office: Office, event: str) -> None:
    export(office, 1, event, "--to", "The police", "--recipient", KEY, "--yes")
    assert "Taken back" in export(office, 1, event, "--take-back").stdout
    assert "You asked for nothing" in refusal(export(office, 1, event, "--take-back"))
    assert "No other person has asked" in refusal(export(office, 2, event, "--yes"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "No other person has asked"),
        (("--to", "The police"), "Name both the recipient"),
        (("--to", "The police", "--recipient", "age1x", "--yes"), "no age public key"),
        (("--file", "here.age"), "a file here.age already"),
    ],
    ids=["nothing asked", "no key", "no such key", "a file"],
)
def test_what_cannot_be_signed_is_refused_in_one_sentence(
    office: Office, event: str, more: tuple[str, ...], words: str
) -> None:
    Path("here.age").touch()
    result = export(office, 1, event, *more)
    assert words in result.stderr.splitlines()[-1]
    assert result.exit_code == 1


@pytest.mark.parametrize("digits", ["", "00000000", "xyz"])
@pytest.mark.usefixtures("event")
def test_an_event_that_is_not_here_is_refused(office: Office, digits: str) -> None:
    assert "name at least 8 digits" in refusal(export(office, 1, digits))


def test_hand_overs_are_listed_for_people_and_machines(office: Office, event: str) -> None:
    config = ("--config", str(office.settings))
    assert "No match was handed over" in done("hand-overs", *config)
    export(office, 1, event, "--to", "The police", "--recipient", KEY, "--yes")
    export(office, 2, event, "--yes")
    said = done("hand-overs", *config)
    for words in (event[:16], "The police", KEY, "r1 (police) and r2 (estate)", "UTC"):
        assert words in said
    (told,) = json.loads(done("hand-overs", *config, "--json"))
    assert (told["event"], told["to"], told["note"]) == (event, "The police", "")
    assert told["by"] == ["r1 (police)", "r2 (estate)"]


def test_what_a_record_says_cannot_speak_to_the_terminal(office: Office, event: str) -> None:
    body = {"envelope": event, "recipient": KEY, "to": "\x1b[2J", "reviewer": "\x1b"}
    with office.store.writing() as connection:
        append_record(connection, Happening.EXPORTED, body)
    said = done("hand-overs", "--config", str(office.settings))
    assert "\x1b" not in said
    assert "an earlier version recorded it" in " ".join(said.split())
