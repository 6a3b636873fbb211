"""The outsiders' verifier says what the ledgers of cameras, or the lack of them, leave unproven."""

import json
from pathlib import Path

import pytest

from estate.accounts import verify
from estate.tests.books import Office
from estate.tests.handed_over import CAMERAS, bodies, books, outsider
from firmware.tests import desk as authority
from formats.ledger import Happening, Program

CAMERA = authority.CAMERA.camera_id.hex()


@pytest.fixture
def handed(office: Office) -> Path:
    return books(office)


def doubts(folder: Path) -> list[str]:
    _, _, notes = verify.verify_books(folder, None)
    return [note for note in notes if note.startswith("NOT VERIFIED")]


def left_out(folder: Path, program: Program) -> None:
    for suffix in ("jsonl", "checkpoint"):
        (folder / f"{CAMERA}_{program}.{suffix}").unlink()


def test_books_with_every_ledger_leave_nothing_open(handed: Path) -> None:
    assert doubts(handed) == []


@pytest.mark.parametrize("program", CAMERAS)
def test_a_ledger_that_was_left_out_with_its_checkpoint_is_named(
    handed: Path, program: Program
) -> None:
    left_out(handed, program)
    expected = f"NOT VERIFIED: what {CAMERA}/{program} did. The books have no ledger of it."
    assert expected in doubts(handed)
    assert outsider(handed).stdout.splitlines()[-1].startswith("Read the lines above that begin")


def test_a_period_of_use_that_no_guard_lit_is_counted(handed: Path) -> None:
    left_out(handed, Program.LAMPGUARD)
    assert doubts(handed)[0] == (
        "NOT VERIFIED: that the lamp was lit. Periods of use with a lease that no ledger of their "
        "camera's lampguard has: 1."
    )


def test_a_light_of_another_camera_lights_no_period() -> None:
    def book(name: str, event: Happening) -> verify.Book:
        record = {"event": event, "body": {"lease_id": "06" * 16, "to": "on"}}
        return verify.Book(name, kept=[record])

    watch = book("aa/watch", Happening.PERIOD_BEGIN)
    for guard, unproven in (("aa/lampguard", 0), ("bb/lampguard", 1)):
        notes = verify._notes(
            [watch, book(guard, Happening.LAMP)], verify.Events(verify.Site()), b"kept"
        )
        assert len(notes) == unproven


def test_an_event_that_a_camera_has_a_receipt_for_and_the_estate_does_not_name_is_counted() -> None:
    receipted = {"event": Happening.EVENT_RECEIPTED, "body": {"envelope": "ab" * 32}}
    courier = verify.Book("aa/courier", kept=[receipted])
    events = verify.Events(verify.Site())
    (note,) = verify._notes([courier], events, b"kept")
    assert note.endswith("Events that the estate's ledger does not name: 1.")
    events.found["ab" * 32] = {}
    assert verify._notes([courier], events, b"kept") == []


def test_an_outsider_reads_when_each_verdict_was_given(handed: Path) -> None:
    (event,) = json.loads(outsider(handed, "--json").stdout)
    given = [body["given_utc_ms"] for body in bodies(handed / "estate.jsonl", Happening.VERDICT)]
    assert [each["given"] for each in event["verified_by"]] == [
        verify._moment(int(utc_ms)) for utc_ms in given
    ]
    assert (event["handed_over"], event["on_hold"]) == ([], False)


def test_a_refusal_does_not_stand_where_a_program_expects_json(handed: Path) -> None:
    (handed / "estate.jsonl").unlink()
    said = outsider(handed, "--json")
    assert (said.returncode, said.stdout) == (1, "")
    assert "the whole ledger is missing" in said.stderr
