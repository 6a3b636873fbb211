"""The courier beside a full disk, a small broker, a late clock or a malformed message."""

import os
import time
from collections.abc import Iterator, Mapping
from errno import EIO, ENOSPC
from pathlib import Path

import pytest

from firmware.courier import (
    RETRY_S,
    Courier,
    Flight,
    delete_receipted,
    destroy_lapsed,
    handle_message,
    send_event,
)
from firmware.delivery.outbox import DAY_S
from firmware.record.ledger import Ledger, Moment
from firmware.tests.observations import records
from formats.ledger import Happening, Program
from formats.site_bundle import write_bundle
from formats.topics import Channel, Topic
from hil_tests.tests.line import Line
from hil_tests.tests.test_receipts import flying, receipt_for
from wire.connection import Message
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


def on(line: Line, channel: Channel, payload: bytes) -> Message:
    return Message(1, str(Topic(line.broker.camera.camera_id, channel)), payload)


def test_on_a_full_disk_a_receipt_still_removes_the_event_and_is_recorded(line: Line) -> None:
    courier = flying(line)
    courier.ledger = FullAtFirst(line)
    (flight,) = courier.flights.values()
    delete_receipted(courier, receipt_for(line, flight.digest))
    assert line.outbox.names() == []
    assert line.receipted() == [flight.digest.hex()]


def test_any_other_trouble_of_the_ledger_ends_the_courier_and_loses_nothing(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights.values()
    courier.ledger = FullAtFirst(line, code=EIO)
    with pytest.raises(OSError, match="Input/output"):
        delete_receipted(courier, receipt_for(line, flight.digest))
    assert len(line.outbox.names()) == 1


def old(line: Line) -> Courier:
    """Return a courier whose only event is older than the policy's retention."""
    line.put()
    path = line.broker.state.outbox / "waiting" / "000000000001"
    long_ago_s = time.time() - 30 * DAY_S - 60
    os.utime(path, (long_ago_s, long_ago_s))
    return line.courier()


def test_what_waited_for_too_long_is_destroyed_and_recorded(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.courier.SYNCHRONISED", tmp_path)
    destroy_lapsed(old(line))
    assert line.outbox.names() == []
    lapsed = records(line.broker.state.courier, Happening.EVENT_LAPSED)
    assert lapsed == [{"name": "000000000001"}]


def test_while_nobody_has_set_the_clock_nothing_is_too_old(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.courier.SYNCHRONISED", tmp_path / "never")
    destroy_lapsed(old(line))
    assert len(line.outbox.names()) == 1


def test_before_any_list_was_verified_nothing_is_too_old(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.courier.SYNCHRONISED", tmp_path)
    courier = old(line)
    (line.broker.state.outbox / "terms").unlink()
    destroy_lapsed(courier)
    assert len(line.outbox.names()) == 1


def test_for_a_broker_that_takes_no_event_the_event_waits_and_the_ledger_says_why(
    line: Line,
) -> None:
    line.put()
    (name,), courier = line.outbox.names(), line.courier()
    courier.connection.connected, courier.connection.largest_bytes = True, 10_000
    send_event(courier, name)
    assert records(line.broker.state.courier, Happening.FAULT) == [{"code": "broker_too_small"}]
    assert line.outbox.names() == [name]
    assert courier.flights[name].again_s > time.monotonic() + RETRY_S[1] - 5


@pytest.mark.parametrize(("tries", "expected_s"), [(0, 10), (1, 20), (4, 160), (5, 300), (99, 300)])
def test_an_event_that_is_never_receipted_is_sent_less_and_less_often(
    line: Line, tries: int, expected_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.put()
    (name,), courier, told = line.outbox.names(), line.courier(), list[int | None]()

    def publish(_topic: str, _payload: bytes, *, expires_s: int | None = None) -> int:
        told.append(expires_s)
        return 1

    monkeypatch.setattr(type(courier.connection), "publish", staticmethod(publish))
    courier.flights = {name: Flight(name, bytes(32), 1, 0.0, tries)} if tries else {}
    send_event(courier, name)
    assert told == [expected_s]
    assert courier.flights[name].again_s <= time.monotonic() + expected_s


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


def test_an_event_whose_bytes_changed_while_waiting_is_not_sent(line: Line) -> None:
    line.put()
    (name,), courier = line.outbox.names(), line.courier()
    path = line.broker.state.outbox / "waiting" / name
    damaged = bytearray(path.read_bytes())
    damaged[-100] ^= 1
    path.write_bytes(damaged)
    send_event(courier, name)
    assert line.outbox.names() == []
    fault = {"code": "outbox_broken", "name": name}
    assert records(line.broker.state.courier, Happening.FAULT) == [fault]
