"""Receipts: only a valid receipt removes an event from the camera's outbox."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from estate.tests.events import EVENT
from firmware.courier import (
    Courier,
    events_due,
    hand_over_receipt,
    retry_soon,
)
from firmware.delivery.flights import NO_RECEIVER_S, Flight
from formats.envelope import NO_PREVIOUS, Origin, TimeQuality
from formats.receipt import Receipt, seal_receipt
from hil_tests.tests.line import ESTATE, STRANGER, Line
from wire.line import Line as ConnectionLine
from wire.tests.broker import Broker


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(Broker(tmp_path), tmp_path)
    yield line
    line.store.close()


def flying(line: Line) -> Courier:
    """Return a courier that has sent one event."""
    (sealed,), (name,), courier = line.put(), line.waiting(), line.courier()
    courier.flights.add(Flight(name, sealed.digest, number=1, again_s=time.monotonic() + 10))
    return courier


def receipt_for(line: Line, digest: bytes, *, sender: SigningKey = ESTATE) -> bytes:
    camera = line.broker.camera
    origin = Origin(bytes(16), 1, 0, TimeQuality.UNSYNCHRONISED, NO_PREVIOUS)
    receipt = Receipt(camera.camera_id, EVENT.boot_id, 1, digest, 1)
    to = [camera.receipt_key]
    return seal_receipt(receipt, sender=sender, recipients=to, origin=origin).blob


@pytest.mark.parametrize(
    "blob",
    [b"", b"nonsense", b"TALLYRC1" + bytes(1400)],
)
def test_what_is_no_receipt_removes_nothing(line: Line, blob: bytes) -> None:
    courier = flying(line)
    hand_over_receipt(courier, blob)
    assert len(line.waiting()) == 1


def test_a_receipt_for_another_event_removes_nothing(line: Line) -> None:
    courier = flying(line)
    hand_over_receipt(courier, receipt_for(line, bytes(32)))
    assert len(line.waiting()) == 1
    assert line.receipted() == []


def test_a_forged_receipt_removes_nothing(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights
    hand_over_receipt(courier, receipt_for(line, flight.digest, sender=STRANGER))
    assert len(line.waiting()) == 1


def test_before_it_is_known_whose_receipts_count_none_does(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights
    (line.broker.state.outbox / "terms").unlink()
    hand_over_receipt(courier, receipt_for(line, flight.digest))
    assert len(line.waiting()) == 1


def test_a_receipt_that_comes_twice_removes_once(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights
    hand_over_receipt(courier, receipt_for(line, flight.digest))
    hand_over_receipt(courier, receipt_for(line, flight.digest))
    assert (line.waiting(), len(line.receipted())) == ([], 1)


def test_the_one_receipt_removes_the_event(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights
    hand_over_receipt(courier, receipt_for(line, flight.digest))
    assert line.waiting() == []
    assert line.receipted() == [flight.digest.hex()]


def test_an_event_that_nobody_received_is_sent_again_soon(line: Line) -> None:
    courier = flying(line)
    retry_soon(courier, number=1)
    (flight,) = courier.flights
    assert flight.again_s <= time.monotonic() + NO_RECEIVER_S[0]


def test_events_that_are_never_receipted_do_not_keep_the_others_waiting(line: Line) -> None:
    line.put(30)
    courier = line.courier()
    courier.connection.connected, courier.connection._line = True, ConnectionLine()
    for name in line.waiting()[:20]:
        courier.flights.add(Flight(name, bytes(32), number=1, again_s=time.monotonic() - 1))
    assert events_due(courier)[:10] == line.waiting()[20:]


def test_of_events_sent_before_the_one_that_waited_longest_comes_first(line: Line) -> None:
    line.put(3)
    courier = line.courier()
    courier.connection.connected, courier.connection._line = True, ConnectionLine()
    names = line.waiting()
    for name, ago_s in zip(names, (1, 3, 2), strict=True):
        again_s = time.monotonic() - ago_s
        courier.flights.add(Flight(name, bytes(32), number=1, again_s=again_s))
    assert events_due(courier) == [names[1], names[2], names[0]]


def test_an_event_that_nobody_receives_for_long_is_sent_less_and_less_often(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights
    courier.flights.add(replace(flight, tries=100_000))
    retry_soon(courier, number=1)
    (later,) = courier.flights
    wait_s = later.again_s - time.monotonic()
    assert NO_RECEIVER_S[0] < wait_s <= NO_RECEIVER_S[1]


def test_what_the_broker_says_of_another_message_changes_nothing(line: Line) -> None:
    courier = flying(line)
    before = list(courier.flights)
    retry_soon(courier, number=2)
    assert list(courier.flights) == before
