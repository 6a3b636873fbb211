"""The courier beside a full disk, a small broker, a late clock or a malformed message."""

import os
import time
from collections.abc import Iterator, Mapping
from errno import EIO, ENOSPC
from pathlib import Path

import pytest

from firmware.courier import (
    BROKEN_RECORDS,
    Courier,
    events_due,
    hand_over_receipt,
    handle_message,
    run,
    send_event,
    tidy,
)
from firmware.delivery.flights import RETRY_S, Flight
from firmware.record.ledger import Ledger, Moment
from firmware.tests.camera_setup import made_camera
from firmware.tests.observations import records
from firmware.tests.worn_card import worn_card
from formats.ledger import Happening, Program
from formats.site_bundle import write_bundle
from formats.topics import Channel, Topic
from hil_tests.tests.line import Line
from hil_tests.tests.test_receipts import flying, receipt_for
from wire.errors import CertificateRefused
from wire.limits import BrokerLimits
from wire.line import Line as ConnectionLine
from wire.message import Message
from wire.tests.broker import Broker

SITE = {"metadata/1.root.json": b"root", "metadata/timestamp.json": b"1"}


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(Broker(tmp_path), tmp_path)
    yield line
    line.store.close()


class FullAtFirst(Ledger):
    """A ledger on a full disk, which has room again once a file was removed."""

    def __init__(self, line: Line, code: int = ENOSPC) -> None:
        super().__init__(line.broker.state.courier, Program.COURIER)
        self.line, self.code = line, code

    def append(
        self,
        event: Happening,
        body: Mapping[str, int | str] | None = None,
        at: Moment | None = None,
    ) -> None:
        if self.line.outbox.names():
            raise OSError(self.code, os.strerror(self.code))
        super().append(event, body, at)


def again_s(courier: Courier, name: str) -> float:
    """Return when an event that was sent is sent again."""
    flight = courier.flights.get(name)
    assert flight is not None
    return flight.again_s


def on(line: Line, channel: Channel, payload: bytes) -> Message:
    return Message(1, str(Topic(line.broker.camera.camera_id, channel)), payload)


def test_on_a_full_disk_a_receipt_still_removes_the_event_and_is_recorded(line: Line) -> None:
    courier = flying(line)
    courier.hand_over.ledger = FullAtFirst(line)
    (flight,) = courier.flights
    hand_over_receipt(courier, receipt_for(line, flight.digest))
    assert line.receipted() == []
    assert line.waiting() == []
    tidy(courier)
    assert line.receipted() == [flight.digest.hex()]


def test_any_other_trouble_of_the_ledger_ends_the_courier_and_loses_nothing(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights
    courier.hand_over.ledger = FullAtFirst(line, code=EIO)
    with pytest.raises(OSError, match="Input/output"):
        hand_over_receipt(courier, receipt_for(line, flight.digest))
    assert len(line.waiting()) == 1


def test_for_a_broker_that_takes_no_event_the_event_waits_and_the_ledger_says_why(
    line: Line,
) -> None:
    line.put()
    (name,), courier = line.waiting(), line.courier()
    courier.connection.connected, courier.connection._line = True, ConnectionLine()
    courier.connection._limits = BrokerLimits(largest_bytes=10_000)
    send_event(courier, name)
    assert records(line.broker.state.courier, Happening.FAULT) == [{"code": "broker_too_small"}]
    assert line.waiting() == [name]
    assert again_s(courier, name) > time.monotonic() + RETRY_S[1] - 5


def test_files_of_any_name_and_number_end_no_courier_and_fill_no_ledger(line: Line) -> None:
    line.put()
    for number in range(2 * BROKEN_RECORDS):
        planted = os.fsdecode(b"\xff\n%d" % number)
        (line.broker.state.outbox / "waiting" / planted).touch()
    courier = line.courier()
    for name in courier.outbox.names():
        send_event(courier, name)
    faults = records(line.broker.state.courier, Happening.FAULT)
    assert len(faults) == BROKEN_RECORDS
    assert faults[0] == {"code": "outbox_broken", "name": "\\udcff\n0"}


def test_an_event_that_the_card_does_not_give_back_keeps_no_other_event(line: Line) -> None:
    line.put(2)
    (first, second), courier = line.waiting(), line.courier()
    courier.connection.connected, courier.connection._line = True, ConnectionLine()
    with worn_card(first):
        for name in events_due(courier):
            send_event(courier, name)
    assert [flight.name for flight in courier.flights] == [second]
    faults = records(line.broker.state.courier, Happening.FAULT)
    assert faults == [{"code": "outbox_broken", "name": first}]


@pytest.mark.parametrize(("tries", "expected_s"), [(0, 10), (1, 20), (4, 160), (5, 300), (99, 300)])
def test_an_event_that_is_never_receipted_is_sent_less_and_less_often(
    line: Line, tries: int, expected_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.put()
    (name,), courier, told = line.waiting(), line.courier(), list[int | None]()

    def publish(_topic: str, _payload: bytes, *, expires_s: int | None = None) -> int:
        told.append(expires_s)
        return 1

    monkeypatch.setattr(type(courier.connection), "publish", staticmethod(publish))
    if tries:
        courier.flights.add(Flight(name, bytes(32), 1, 0.0, tries))
    send_event(courier, name)
    assert told == [expected_s]
    assert again_s(courier, name) <= time.monotonic() + expected_s


def test_a_courier_that_waits_for_its_certificate_leaves_its_ledger_as_it_is(
    tmp_path: Path,
) -> None:
    config = made_camera(tmp_path)
    with pytest.raises(CertificateRefused):
        run(config, lambda: True)
    assert not (config.state.courier / "ledger.jsonl").exists()


def test_what_the_site_publishes_is_installed_and_nonsense_is_not(line: Line) -> None:
    courier = line.courier()
    handle_message(courier, on(line, Channel.SITE, b"nonsense"))
    assert not line.broker.state.inbox.exists()
    handle_message(courier, on(line, Channel.SITE, write_bundle(SITE)))
    assert (line.broker.state.inbox / "metadata" / "timestamp.json").read_bytes() == b"1"


def test_an_inbox_that_cannot_be_written_ends_nothing(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.broker.state.inbox.write_text("in the way")
    handle_message(line.courier(), on(line, Channel.SITE, write_bundle(SITE)))
    assert "cannot be written" in caplog.text


def test_an_event_whose_bytes_changed_while_waiting_is_not_sent_and_is_recorded_once(
    line: Line,
) -> None:
    line.put()
    (name,), courier = line.waiting(), line.courier()
    courier.connection.connected, courier.connection._line = True, ConnectionLine()
    assert events_due(courier) == [name]
    path = line.broker.state.outbox / "waiting" / name
    damaged = bytearray(path.read_bytes())
    damaged[-100] ^= 1
    path.write_bytes(damaged)
    for _ in range(2):
        send_event(courier, name)
    assert events_due(courier) == []
    fault = {"code": "outbox_broken", "name": name}
    assert records(line.broker.state.courier, Happening.FAULT) == [fault]
