"""Cameras' statuses at the estate: read once, shown in the health view, destroyed."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from estate.intake.statuses import STATUSES, newest_statuses
from estate.monitoring.health import read_health
from estate.monitoring.metrics import prometheus_text
from estate.report.figures import count_figures
from estate.retention.destruction import destroy, due_events
from estate.store.ledger import ledger_records
from estate.tests.books import CAMERA_KEY, Office
from formats.destruction import Ground
from formats.envelope import NO_PREVIOUS, Sealed
from formats.ledger import Happening, Head
from formats.message import seal_event
from formats.status import Status
from formats.tests.test_status import STATUS


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


def tell(office: Office, sequence: int = 1, **changes: object) -> Sealed:
    """Let the camera send a status."""
    camera = office.candidate().camera
    status: Status = replace(STATUS, camera=camera, sequence=sequence, **changes)  # type: ignore[arg-type]
    sealed = seal_event(
        status,
        sender=CAMERA_KEY,
        recipients=[office.opening(number).public_key for number in (1, 2)],
        key_epoch=1,
        previous=NO_PREVIOUS,
    )
    office.store.add_envelopes([sealed], int(office.now.timestamp() * 1000) + sequence)
    return sealed


def happened(office: Office, happening: Happening) -> list[str]:
    with office.store.reading() as connection:
        return [
            str(each.body["envelope"])
            for each in ledger_records(connection)
            if each.event is happening
        ]


def test_a_status_needs_no_verdict(office: Office) -> None:
    sealed, event = tell(office, 1), office.arrive(2)
    desk = office.desk(1)
    assert [each.event for each in desk.standings()] == [event.digest]
    assert desk.closed == {}
    assert happened(office, Happening.STATUS_READ) == [sealed.digest.hex()]


def test_a_status_that_was_changed_in_its_row_says_nothing(office: Office) -> None:
    tell(office, 1, looking_s=60)
    site = office.desk(1).site
    with office.store.writing() as connection:
        (payload,) = connection.execute(select(STATUSES.c.payload)).scalars()
        changed = replace(Status.from_payload(bytes(payload)), looking_s=960).to_payload()
        connection.execute(update(STATUSES).values(payload=changed))
        assert newest_statuses(connection, site.reviewers) == {}


def test_two_consoles_note_it_once(office: Office) -> None:
    sealed = tell(office)
    for number in (1, 2, 1):
        office.desk(number).refresh()
    assert happened(office, Happening.STATUS_READ) == [sealed.digest.hex()]


def test_the_newest_is_the_cameras_last_word_in_the_health_view(office: Office) -> None:
    tell(office, 1, looking_s=60)
    tell(office, 2, looking_s=960, temperature_centi=5125)
    before = read_health(office.store, office.site(), [], office.now)
    assert (before.waiting, before.cameras[0].status_utc_ms) == (2, None)
    office.desk(1)
    health = read_health(office.store, office.site(), [], office.now)
    assert health.waiting == 0
    assert (health.cameras[0].looking_s, health.cameras[0].temperature_c) == (960, 51.25)
    assert "tallylight_temperature_celsius" in prometheus_text(health)


def test_a_status_that_was_read_is_destroyed_and_the_last_word_stays(office: Office) -> None:
    tell(office, 1)
    tell(office, 2)
    office.desk(1)
    with office.store.reading() as connection:
        now_s, records = int(datetime.now(UTC).timestamp()), ledger_records(connection)
        doomed = due_events(connection, office.site(), records, now_s, 30).doomed
    assert [each.ground for each in doomed] == [Ground.STATUS, Ground.STATUS]
    destroy(office.store, doomed, CAMERA_KEY, office.folder / "certificates")
    assert office.store.digests() == []
    with office.store.reading() as connection:
        assert [
            each[1].sequence
            for each in newest_statuses(connection, office.site().reviewers).values()
        ] == [2]
    assert office.desk(2).standings() == []


def test_a_status_is_no_candidate_in_the_report(office: Office) -> None:
    tell(office, 1)
    office.arrive(2)
    office.desk(1)
    with office.store.reading() as connection:
        estate = list(ledger_records(connection))
    today = datetime.now(UTC).date()
    since, until = today - timedelta(days=1), today + timedelta(days=2)
    figures = count_figures(estate, [], [], since=since, until=until, groups={})
    assert (figures.candidates, figures.waiting) == (1, 1)


def book(office: Office, count: int) -> Head:
    """Write a signed ledger of the camera's `watch` on a stick; return its head."""
    ledger = office.camera_book()
    for number in range(count):
        ledger.append(Happening.LIST_REFUSED, {"code": f"{number}"})
    ledger.sign()
    return ledger.head


def test_a_camera_that_signs_its_ledger_anew_is_found_by_what_it_said_before(
    office: Office,
) -> None:
    head = book(office, 5)
    tell(office, ledger_size=head.size, ledger_digest=head.digest)
    office.desk(1)
    shutil.rmtree(office.folder / "stick")
    book(office, 7)  # Another chain, right in every byte and signed with the camera's own key.
    said = office.take_in()
    assert said.exit_code == 1
    assert (
        "counts 5 records that the ledger does not hold: some were changed or cut off"
        in said.output
    )


def test_a_ledger_that_grew_since_its_camera_told_of_it_is_taken_in(office: Office) -> None:
    ledger = office.camera_book()
    ledger.append(Happening.LIST_REFUSED, {"code": "1"})
    tell(office, ledger_size=ledger.head.size, ledger_digest=ledger.head.digest)
    office.desk(1)
    ledger.append(Happening.LIST_REFUSED, {"code": "2"})
    ledger.sign()
    assert office.take_in().exit_code == 0
