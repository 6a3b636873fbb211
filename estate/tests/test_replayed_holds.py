"""A signature makes one hold or one release: rows that are put back make no other (replay)."""

import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from estate.retention.destruction import DAY_S, destroy, due_events
from estate.retention.holds import hold_event, release_event
from estate.store.acts import ACTS
from estate.store.envelopes import ENVELOPES
from estate.store.ledger import ledger_records
from estate.tests.books import Office
from formats.act import Kind


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


@pytest.fixture
def event(office: Office) -> bytes:
    return office.arrive().digest


def sign(office: Office, kind: Kind, event: bytes, *numbers: int) -> bool:
    """Let these reviewers sign; return whether it counts now."""
    act = {Kind.HOLD: hold_event, Kind.RELEASE: release_event}[kind]
    counts = False
    for number in numbers:
        now_ms, key = time.time_ns() // 1_000_000, office.verdict_key(number)
        counts = act(office.store, office.site(), event, key, "A court.", now_ms)
    return counts


def rows(office: Office) -> list[dict[str, Any]]:
    with office.store.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(select(ACTS))]


def put_back(office: Office, kept: list[dict[str, Any]]) -> None:
    """Write rows of before into the database, as a person who can write it could."""
    with office.store.writing() as connection:
        for row in kept:
            mine = (ACTS.c.kind == row["kind"]) & (ACTS.c.reviewer == row["reviewer"])
            connection.execute(delete(ACTS).where(mine))
            connection.execute(insert(ACTS).values(row))


def test_a_hold_that_is_put_back_after_its_release_is_named(office: Office, event: bytes) -> None:
    sign(office, Kind.HOLD, event, 1, 2)
    kept = rows(office)
    sign(office, Kind.RELEASE, event, 1, 2)
    put_back(office, kept)
    with office.store.reading() as connection:
        at_s = int(office.now.timestamp()) + 31 * DAY_S
        due = due_events(connection, office.site(), ledger_records(connection), at_s, 30)
    assert due.doomed == []
    assert ["held without two signatures" in str(each) for each in due.refused] == [True]


def test_one_signature_and_another_of_an_earlier_release_release_nothing(
    office: Office, event: bytes
) -> None:
    sign(office, Kind.HOLD, event, 1, 2)
    sign(office, Kind.RELEASE, event, 2)
    kept = [row for row in rows(office) if row["kind"] == "release"]
    sign(office, Kind.RELEASE, event, 1)
    sign(office, Kind.HOLD, event, 1, 2)
    put_back(office, kept)
    assert not sign(office, Kind.RELEASE, event, 1)
    assert sign(office, Kind.RELEASE, event, 2)


def test_one_signature_and_another_of_an_earlier_hold_hold_nothing(
    office: Office, event: bytes
) -> None:
    sign(office, Kind.HOLD, event, 1, 2)
    kept = [row for row in rows(office) if row["reviewer"] == office.desk(2).identity]
    sign(office, Kind.RELEASE, event, 1, 2)
    put_back(office, kept)
    assert not sign(office, Kind.HOLD, event, 1)
    assert sign(office, Kind.HOLD, event, 2)


def test_what_two_people_hold_while_retention_runs_is_not_destroyed(
    office: Office, event: bytes
) -> None:
    other = office.arrive(2).digest
    with office.store.reading() as connection:
        at_s = int(office.now.timestamp()) + 31 * DAY_S
        due = due_events(connection, office.site(), ledger_records(connection), at_s, 30)
    assert [each.event for each in due.doomed] == [event, other]
    sign(office, Kind.HOLD, event, 1, 2)
    folder = office.folder / "books" / "certificates"
    destroy(office.store, due.doomed, office.ledger_key, folder, office.site())
    assert office.store.digests() == [event]
    assert [path.stem for path in folder.iterdir()] == [other.hex()]


def test_a_held_event_whose_envelope_was_removed_gets_no_certificate(
    office: Office, event: bytes
) -> None:
    sign(office, Kind.HOLD, event, 1, 2)
    with office.store.writing() as connection:
        connection.execute(update(ENVELOPES).values(blob=b""))
    with office.store.reading() as connection:
        at_s = int(office.now.timestamp()) + 31 * DAY_S
        due = due_events(connection, office.site(), ledger_records(connection), at_s, 30)
    assert due.doomed == []
    assert [
        "its envelope is gone, and two people hold it" in str(each) for each in due.refused
    ] == [True]
