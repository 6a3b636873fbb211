"""An event that is sealed to others than the site's reviewers is refused by name, and kept."""

from pathlib import Path

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from estate.intake.addressees import count_misaddressed
from estate.intake.receiver import Receiver, receive
from estate.store.ledger import ledger_records
from estate.tests.books import STRANGER, Office
from formats.envelope import Sealed
from formats.ledger import Happening
from formats.topics import Channel, every_camera
from wire.tests.broker import Broker


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


def both(office: Office) -> list[PrivateKey]:
    return [office.opening(1), office.opening(2)]


def found(office: Office) -> int:
    with office.store.reading() as connection:
        return count_misaddressed(connection)


def test_an_event_for_the_reviewers_and_a_stranger_is_not_shown(office: Office) -> None:
    sealed = office.arrive(to=[*both(office), STRANGER])
    for number in (1, 2):
        desk = office.desk(number)
        assert desk.standings() == []
        assert "Event 1 of camera" in desk.refused[sealed.digest]
        assert "sealed to strangers" in desk.refused[sealed.digest]


def test_what_is_sealed_to_others_stays_as_evidence(office: Office) -> None:
    sealed = office.arrive(to=[*both(office), STRANGER])
    office.desk(1)
    assert office.store.envelope(sealed.digest) == sealed


def test_the_ledger_names_a_misaddressed_event_once(office: Office) -> None:
    sealed = office.arrive(to=[*both(office), STRANGER])
    office.desk(1)
    office.desk(2)
    body = {"code": "misaddressed", "envelope": sealed.digest.hex()}
    with office.store.reading() as connection:
        faults = [each for each in ledger_records(connection) if each.event is Happening.FAULT]
    assert [fault.body for fault in faults] == [body | {"camera": sealed.header.sender.hex()}]
    assert found(office) == 1


def test_an_event_for_the_reviewers_of_its_time_is_shown_after_a_change(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", organisations=("police", "estate", "estate"))
    office.desk(1)
    waited = office.arrive(1)
    office.removed, office.site_version = (3,), 2
    office.publish(version=2)
    desk = office.desk(1)
    assert desk.standing(waited.digest)
    office.arrive(2, to=both(office))
    desk.refresh()
    assert len(desk.standings()) == 2


def test_a_former_reviewer_is_a_stranger_to_events_of_the_new_recipients(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", organisations=("police", "estate", "estate"))
    former = office.opening(3)
    office.removed, office.site_version = (3,), 2
    office.publish(version=2)
    sealed = office.arrive(to=[*both(office), former])
    assert list(office.desk(1).refused) == [sealed.digest]


def test_an_event_of_recipients_that_were_not_met_waits(office: Office) -> None:
    desk = office.desk(1)
    sealed = office.arrive(epoch=2)
    desk.refresh()
    assert desk.standings() == []
    assert "version 2 of the recipients, which this office has not met" in desk.unmet[sealed.digest]
    office.site_version = 2
    office.publish(version=2)
    office.desk(2)  # Another console meets them.
    desk.refresh()
    assert desk.standing(sealed.digest)
    assert desk.unmet == {}


def test_a_receiver_meets_the_recipients_of_the_site_in_its_settings(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connection = Broker(tmp_path / "broker").connection("receiver", every_camera(Channel.EVENT))
    announced: list[Sealed] = []
    key = SigningKey(bytes(32))
    receiver = Receiver(connection, office.store, {}, key, announced.append, office.site)
    right = office.arrive(1)
    office.arrive(2, to=[*both(office), STRANGER])
    receive(receiver, lambda: False)
    assert announced == [right]
    assert found(office) == 1
    assert "Event 2 of camera" in caplog.text


def test_a_misaddressed_event_that_is_destroyed_leaves_the_desk(office: Office) -> None:
    office.arrive(to=[*both(office), STRANGER])
    desk = office.desk(1)
    with office.store.writing() as connection:
        connection.exec_driver_sql("UPDATE envelopes SET blob = x''")
    desk.refresh()
    assert desk.refused == {}
    assert found(office) == 1
