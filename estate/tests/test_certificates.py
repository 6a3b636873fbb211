"""A certificate of destruction that is gone is missed: by retain, health and the outsider."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner, Result

from estate.__main__ import app
from estate.accounts import verify
from estate.retention.destruction import CERTIFICATES
from estate.tests.books import Office
from estate.tests.handed_over import appended, bodies
from formats.destruction import Destruction, Ground, sign_destruction
from formats.ledger import Happening
from formats.verdict import Judgement

NOT = Judgement.NOT_A_MATCH


@pytest.fixture
def event(office: Office) -> bytes:
    """Return an event that two people rejected, and that retention has destroyed."""
    event = office.arrive().digest
    for number in (1, 2):
        office.desk(number).judge(event, NOT)
    assert run(office, "retain", *office.passphrase).exit_code == 0
    assert certificate(office, event).exists()
    return event


def run(office: Office, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--config", str(office.settings)])


def certificate(office: Office, event: bytes) -> Path:
    return office.folder / "books" / "certificates" / f"{event.hex()}.json"


def forget_the_copy(office: Office) -> None:
    with office.store.writing() as connection:
        connection.execute(delete(CERTIFICATES))


def removed(path: Path) -> None:
    path.unlink()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"not_a_match", b"retention"))


def linked(path: Path) -> None:
    path.symlink_to(path.rename(path.with_name("elsewhere")))


CHANGES = [removed, emptied, edited, linked]


@pytest.mark.parametrize("change", CHANGES)
def test_retain_names_a_certificate_that_is_gone_or_damaged_and_writes_it_again(
    office: Office, event: bytes, change: Callable[[Path], None]
) -> None:
    path = certificate(office, event)
    signed = path.read_bytes()
    change(path)
    said = run(office, "retain", *office.passphrase)
    assert said.exit_code == 0
    assert f"event {event.hex()[:16]} was missing or damaged. The store had a copy" in said.stderr
    assert (path.read_bytes(), path.is_symlink()) == (signed, False)
    assert "missing" not in run(office, "retain", *office.passphrase).stderr


def test_retain_names_a_certificate_of_which_the_store_has_no_copy(
    office: Office, event: bytes
) -> None:
    certificate(office, event).unlink()
    forget_the_copy(office)
    for _ in range(2):
        said = run(office, "retain", *office.passphrase, "--json")
        assert "The store has no copy: bring it back from a backup" in said.stderr
        told = json.loads(said.stdout)
        assert (told["missing_certificates"], told["written_again"]) == ([event.hex()], [])


def test_health_names_a_certificate_that_is_gone(office: Office, event: bytes) -> None:
    assert "Certificates of destruction" not in run(office, "health").stdout
    certificate(office, event).unlink()
    told = json.loads(run(office, "health", "--json").stdout)
    assert told["missing_certificates"] == [event.hex()]
    assert "Certificates of destruction" in run(office, "health").stdout


def test_a_reviewers_machine_misses_no_certificates(office: Office, event: bytes) -> None:
    certificate(office, event).unlink()
    lines = office.settings.read_text("utf-8").splitlines()
    office.settings.write_text("\n".join(each for each in lines if "ledger_key" not in each))
    assert json.loads(run(office, "health", "--json").stdout)["missing_certificates"] == []


def test_after_a_restore_a_certificate_that_is_gone_is_missed(office: Office, event: bytes) -> None:
    copy = str(office.folder / "copy")
    run(office, "backup", copy)
    office.store.close()
    for path in office.folder.glob("store.db*"):
        path.unlink()
    certificate(office, event).unlink()
    assert run(office, "restore", "--from", copy, *office.passphrase).exit_code == 0
    said = run(office, "retain", *office.passphrase)
    assert f"event {event.hex()[:16]} was missing or damaged" in said.stderr


# --- The outsiders' verifier ---


def handed(office: Office) -> Path:
    to = office.folder / "handed"
    run(office, "ledger", "checkpoint", "--yes", *office.passphrase)
    assert run(office, "ledger", "export", str(to)).exit_code == 0
    return to


def refusal(folder: Path) -> str:
    """Return the sentence with which the books are refused; empty if they hold."""
    try:
        verify.verify_books(folder, None)
    except verify.NotAsExported as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("change", "why"),
    [(removed, "is missing"), (emptied, "does not hold"), (edited, "does not hold")],
)
def test_an_outsider_names_a_certificate_that_is_gone_or_damaged(
    office: Office, event: bytes, change: Callable[[Path], None], why: str
) -> None:
    folder = handed(office)
    assert refusal(folder) == ""
    change(folder / "certificates" / f"{event.hex()}.json")
    assert f"its certificate of destruction {why}" in refusal(folder)


@pytest.mark.parametrize(
    "change", [{"ground": Ground.STATUS}, {"event": bytes(32)}, {"camera": bytes(16)}]
)
def test_an_outsider_refuses_the_certificate_of_another_destruction(
    office: Office, event: bytes, change: dict[str, bytes]
) -> None:
    folder = handed(office)
    (told,) = bodies(folder / "estate.jsonl", Happening.DESTROYED)
    usual = {"event": event, "camera": bytes.fromhex(str(told["camera"]))}
    other = Destruction(**{**usual, "ground": Ground.NOT_A_MATCH, "destroyed_utc_ms": 1, **change})  # type: ignore[arg-type]  # As a test wants it.
    path = folder / "certificates" / f"{event.hex()}.json"
    path.write_bytes(sign_destruction(other, office.ledger_key))
    assert "its certificate of destruction does not hold" in refusal(folder)


def test_an_outsider_refuses_a_certificate_of_another_key(office: Office, event: bytes) -> None:
    folder = handed(office)
    (told,) = bodies(folder / "estate.jsonl", Happening.DESTROYED)
    camera = bytes.fromhex(str(told["camera"]))
    forged = Destruction(event, camera, Ground.NOT_A_MATCH, 1)
    path = folder / "certificates" / f"{event.hex()}.json"
    path.write_bytes(sign_destruction(forged, office.verdict_key(1)))
    assert "its certificate of destruction does not hold" in refusal(folder)


def test_an_outsider_is_told_that_books_hold_no_certificates(office: Office, event: bytes) -> None:
    folder = handed(office)
    (folder / "certificates" / f"{event.hex()}.json").unlink()
    (folder / "certificates").rmdir()
    _, _, notes = verify.verify_books(folder, None)
    assert "NOT VERIFIED: that events were destroyed." in notes[-1]
    assert notes[-1].endswith("Events: 1.")


@pytest.mark.parametrize("name", ["../site/x", "AB" * 32, ""])
def test_no_record_names_a_certificate_outside_its_folder(office: Office, name: str) -> None:
    office.arrive()
    folder = handed(office)
    body = {"envelope": name, "camera": "0f" * 16, "ground": "retention"}
    number = appended(folder / "estate.jsonl", Happening.DESTROYED, body)
    assert f"record {number}: it names no event" in refusal(folder)
