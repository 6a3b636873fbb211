"""A person who can write the database can forge no confirmation and cause no false destruction.

Each test writes rows as such a person could, and asks the programs that act on them.
"""

import json
from pathlib import Path

import pyrage
import pytest
from sqlalchemy import Connection, delete, insert, select, update
from typer.testing import CliRunner, Result

from estate.__main__ import app
from estate.errors import NotConfirmed, RowRefused, VerdictRefused
from estate.intake.statuses import STATUSES
from estate.monitoring.health import read_health
from estate.monitoring.health_text import health_lines
from estate.retention.destruction import CLOCK, DAY_S, due_events
from estate.retention.holds import OLD_HOLDS, hold_event
from estate.store.acts import ACTS
from estate.store.envelopes import ENVELOPES
from estate.store.ledger import LEDGER, append_record, ledger_records
from estate.tests.books import Office
from estate.verdicts.decisions import DECISIONS, VERDICTS, outcome_of, prove_confirmed
from estate.verdicts.export import export_match
from formats.envelope import sender_id
from formats.ledger import Happening
from formats.tests.test_status import STATUS
from formats.verdict import Judgement

MATCH, NOT = Judgement.MATCH, Judgement.NOT_A_MATCH
YEARS_S = 100 * 365 * DAY_S


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


@pytest.fixture
def event(office: Office) -> bytes:
    return office.arrive().digest


def now_s(office: Office) -> int:
    return int(office.now.timestamp())


def retain(office: Office) -> Result:
    words = ["retain", "--config", str(office.settings), *office.passphrase]
    return CliRunner().invoke(app, words)


def due_at(office: Office, at_s: int) -> tuple[list[bytes], list[str]]:
    """Return what is destroyed at a moment, and what is said of refused rows."""
    with office.store.reading() as connection:
        found = due_events(connection, office.site(), ledger_records(connection), at_s, 30)
    return [each.event for each in found.doomed], [str(each) for each in found.refused]


def refused_in_health(office: Office) -> list[str]:
    health = read_health(office.store, office.site(), [], office.now)
    shown = [line.value for line in health_lines(health) if line.name == "Refused"]
    assert shown == list(health.refused)
    return shown


def swap_blobs(connection: Connection, one: bytes, other: bytes) -> None:
    here = ENVELOPES.c
    blobs = {
        bytes(digest): bytes(blob)
        for digest, blob in connection.execute(select(here.digest, here.blob))
    }
    for row, blob in ((one, blobs[other]), (other, blobs[one])):
        connection.execute(update(ENVELOPES).where(here.digest == row).values(blob=blob))


def hold(office: Office, event: bytes) -> None:
    for number in (1, 2):
        hold_event(
            office.store, office.site(), event, office.verdict_key(number), "A court.", number
        )


def test_another_events_envelope_in_a_row_is_not_shown_for_judgement(office: Office) -> None:
    one, other = office.arrive(1).digest, office.arrive(2).digest
    with office.store.writing() as connection:
        swap_blobs(connection, one, other)
    desk = office.desk(1)
    assert desk.standings() == []
    assert sorted(desk.refused) == sorted((one, other))
    assert all("its row holds another envelope" in why for why in desk.refused.values())
    with pytest.raises(VerdictRefused, match="no such event"):
        desk.judge(one, MATCH)
    with pytest.raises(RowRefused):
        office.store.envelope(one)
    assert list(office.store.envelopes()) == []


def test_a_changed_envelope_is_refused_and_the_others_are_opened(office: Office) -> None:
    broken, sound = office.arrive(1).digest, office.arrive(2).digest
    with office.store.writing() as connection:
        here = ENVELOPES.c.digest == broken
        connection.execute(update(ENVELOPES).where(here).values(blob=b"TALLYEV1"))
    desk = office.desk(1)
    assert [each.event for each in desk.standings()] == [sound]
    assert "its envelope was changed" in desk.refused[broken]


def test_verdicts_that_rest_on_another_event_export_nothing(office: Office) -> None:
    one, other = office.arrive(1).digest, office.arrive(2, captured_utc_ms=1_767_225_600_000).digest
    for number in (1, 2):
        office.desk(number).judge(one, MATCH)
    desk = office.desk(1)
    desk._opened[one] = desk._opened[other]  # As if its envelope had been another one.
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    with pytest.raises(NotConfirmed, match="do not rest on what this event holds"):
        export_match(desk, one, recipient, "The police", lambda _: b"", print)


def test_a_row_that_says_no_match_destroys_nothing(office: Office, event: bytes) -> None:
    row = {"event": event, "outcome": "not_a_match", "decided_utc_ms": 1}
    with office.store.writing() as connection:
        connection.execute(insert(DECISIONS).values(row))
    assert due_at(office, now_s(office))[0] == []
    result = retain(office)
    assert "0 events destroyed" in result.output
    assert event.hex()[:16] in result.output
    assert office.store.digests() == [event]
    (sentence,) = refused_in_health(office)
    assert event.hex()[:16] in sentence


def test_a_forged_record_of_the_decision_destroys_nothing(office: Office, event: bytes) -> None:
    body: dict[str, int | str] = {"envelope": event.hex(), "outcome": "not_a_match"}
    with office.store.writing() as connection:
        append_record(connection, Happening.DECISION, body)
    assert "0 events destroyed" in retain(office).output


def test_a_verdict_of_another_event_decides_nothing(office: Office) -> None:
    one, other = office.arrive(1).digest, office.arrive(2).digest
    for number in (1, 2):
        office.desk(number).judge(other, NOT)
    with office.store.writing() as connection:
        connection.execute(update(VERDICTS).values(event=one))
        connection.execute(update(DECISIONS).values(event=one))
    with office.store.reading() as connection:
        assert outcome_of(connection, office.site(), one) is None
        with pytest.raises(NotConfirmed):
            prove_confirmed(connection, office.site(), one)
    assert due_at(office, now_s(office))[0] == []
    assert any(one.hex()[:16] in sentence for sentence in refused_in_health(office))


def test_a_verdict_in_a_persons_name_does_not_silence_them(office: Office, event: bytes) -> None:
    me = office.site().reviewers[sender_id(office.verdict_key(1).verify_key)]
    row = {
        "event": event,
        "reviewer": bytes(16),
        "name": me.name,
        "organisation": me.organisation,
        "judgement": "match",
        "signed": b"{}",
    }
    with office.store.writing() as connection:
        connection.execute(insert(VERDICTS).values(row))
    with pytest.raises(VerdictRefused, match="a verdict in your name that you did not sign"):
        office.desk(1).judge(event, NOT)


def test_a_row_in_holds_keeps_an_event_only_until_it_is_named(office: Office, event: bytes) -> None:
    row = {"event": event, "first": bytes(16), "second": bytes(16), "reason": "Because."}
    with office.store.writing() as connection:
        connection.execute(insert(OLD_HOLDS).values(row))
    doomed, refused = due_at(office, now_s(office) + 31 * DAY_S)
    assert doomed == []
    assert "held without two signatures" in refused[0]
    assert refused_in_health(office) == refused


def test_a_hold_that_one_person_signed_twice_holds_nothing(office: Office, event: bytes) -> None:
    hold_event(office.store, office.site(), event, office.verdict_key(1), "A court.", 1)
    with office.store.writing() as connection:
        (signed,) = connection.execute(select(ACTS.c.signed)).scalars()
        other = sender_id(office.verdict_key(2).verify_key)
        row = {"event": event, "kind": "hold", "reviewer": other, "signed": signed}
        connection.execute(insert(ACTS).values(row))
    assert due_at(office, now_s(office) + 31 * DAY_S)[0] == [event]


def test_a_held_event_whose_rows_were_deleted_is_not_destroyed(
    office: Office, event: bytes
) -> None:
    hold(office, event)
    with office.store.writing() as connection:
        connection.execute(delete(ACTS))
    doomed, refused = due_at(office, now_s(office) + 31 * DAY_S)
    assert doomed == []
    assert "held without two signatures" in refused[0]


def test_a_forged_release_releases_nothing(office: Office, event: bytes) -> None:
    hold(office, event)
    with office.store.writing() as connection:
        records = ledger_records(connection)
        (held,) = [each for each in records if each.event is Happening.HELD]
        append_record(connection, Happening.RELEASED, held.body)
        connection.execute(delete(ACTS))
    doomed, refused = due_at(office, now_s(office) + 31 * DAY_S)
    assert (doomed, len(refused)) == ([], 1)


def test_a_row_in_statuses_destroys_nothing(office: Office, event: bytes) -> None:
    row = {
        "envelope": event,
        "camera": STATUS.camera,
        "stored_utc_ms": 1,
        "payload": STATUS.to_payload(),
    }
    with office.store.writing() as connection:
        connection.execute(insert(STATUSES).values(row))
        body: dict[str, int | str] = {"envelope": event.hex(), "camera": STATUS.camera.hex()}
        append_record(connection, Happening.STATUS_READ, body)
    doomed, refused = due_at(office, now_s(office))
    assert doomed == []
    assert "a row alone calls it a status" in refused[0]
    health = read_health(office.store, office.site(), [], office.now)
    assert (health.waiting, health.cameras[0].status_utc_ms) == (1, None)


@pytest.mark.parametrize("shift_s", [YEARS_S, -40 * DAY_S], ids=["later", "earlier"])
@pytest.mark.usefixtures("event")
def test_a_changed_time_of_arrival_destroys_nothing_and_is_named(
    office: Office, shift_s: int
) -> None:
    with office.store.writing() as connection:
        moved = ENVELOPES.c.stored_utc_ms + 1000 * shift_s
        connection.execute(update(ENVELOPES).values(stored_utc_ms=moved))
    doomed, refused = due_at(office, now_s(office))
    assert doomed == []
    assert "another time of arrival than the ledger" in refused[0]


@pytest.mark.usefixtures("event")
def test_an_event_without_a_record_of_its_arrival_is_named(office: Office) -> None:
    with office.store.writing() as connection:
        row = dict(connection.execute(select(ENVELOPES)).mappings().one())
        connection.execute(insert(ENVELOPES).values(row | {"digest": bytes(32), "sequence": 9}))
    _, refused = due_at(office, now_s(office))
    assert [("no record of its arrival" in each) for each in refused] == [True]


@pytest.mark.usefixtures("event")
def test_an_end_that_no_reviewer_signed_does_not_count(office: Office) -> None:
    office.desk(1)
    with office.store.writing() as connection:
        (signed,) = connection.execute(select(ACTS.c.signed)).scalars()
        early = json.loads(signed) | {"retain_until_utc_s": now_s(office) - 1}
        text = json.dumps(early, sort_keys=True, separators=(",", ":")).encode()
        connection.execute(update(ACTS).values(signed=text))
    assert due_at(office, now_s(office)) == ([], [])


@pytest.mark.usefixtures("event")
def test_a_floor_of_the_clock_that_the_estate_did_not_sign_does_not_count(office: Office) -> None:
    retain(office)
    with office.store.writing() as connection:
        connection.execute(update(CLOCK).values(floor_utc_s=now_s(office) + 10 * 365 * DAY_S))
    result = retain(office)
    assert (result.exit_code, "0 events" in result.output) == (0, True), result.output


def test_a_changed_ledger_destroys_nothing(office: Office, event: bytes) -> None:
    with office.store.writing() as connection:
        (line,) = connection.execute(select(LEDGER.c.line)).scalars()
        older = json.loads(line) | {"utc_ms": 1_767_225_600_000}
        text = json.dumps(older, sort_keys=True, separators=(",", ":")).encode()
        connection.execute(update(LEDGER).values(line=text))
    words = ["ledger", "checkpoint", "--config", str(office.settings), *office.passphrase, "--yes"]
    assert CliRunner().invoke(app, words).exit_code == 0
    with office.store.writing() as connection:
        connection.execute(update(LEDGER).where(LEDGER.c.seq == 0).values(line=line))
    result = retain(office)
    assert (result.exit_code, "The ledger has been changed" in result.output) == (1, True)
    assert office.store.digests() == [event]


def test_a_reviewer_who_was_removed_neither_confirms_nor_holds(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", organisations=("police", "estate", "council"))
    event = office.arrive().digest
    for number in (1, 3):
        office.desk(number).judge(event, MATCH)
        hold_event(
            office.store, office.site(), event, office.verdict_key(number), "A court.", number
        )
    office.organisations = ("police", "estate")
    office.publish(version=2)
    with office.store.reading() as connection:
        assert outcome_of(connection, office.site(), event) is None
    doomed, refused = due_at(office, now_s(office) + 31 * DAY_S)
    assert doomed == []
    assert ["held without two signatures" in each for each in refused] == [True]


@pytest.mark.parametrize("blob", [b"", bytes(40)], ids=["emptied", "overwritten"])
def test_an_envelope_that_was_removed_before_its_time_gets_no_certificate(
    office: Office, event: bytes, blob: bytes
) -> None:
    with office.store.writing() as connection:
        connection.execute(update(ENVELOPES).values(blob=blob))
    result = retain(office)
    assert "0 events destroyed" in result.output
    assert list((office.folder / "books").glob("certificates/*")) == []
    if not blob:
        assert event.hex()[:16] in result.output
        assert "gone before its time" in result.output
