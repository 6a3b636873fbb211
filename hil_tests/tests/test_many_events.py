"""Many waiting events: a round of the courier takes the same work for 1,000 as for 10."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware.courier import Courier, events_due, send_event, tidy
from firmware.delivery.flights import Flight
from firmware.delivery.unsent import LIST_S
from firmware.tests.outbox_events import event
from hil_tests.tests.line import Line
from wire.line import Line as ConnectionLine
from wire.tests.broker import Broker

MANY = 1000


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(Broker(tmp_path), tmp_path)
    yield line
    line.store.close()


def connected(line: Line, waiting: int) -> Courier:
    """Return a connected courier that has seen so many waiting events."""
    folder = line.broker.state.outbox / "waiting"
    for number in range(1, waiting + 1):
        (folder / f"{number:012d}").touch()
    courier = line.courier()
    courier.connection.connected, courier.connection._line = True, ConnectionLine()
    events_due(courier)
    return courier


def fly(courier: Courier, names: list[str], again_s: float) -> None:
    for number, name in enumerate(names, start=1):
        courier.flights.add(Flight(name, number.to_bytes(32), number, again_s))


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows by one with each listing of a folder."""
    calls: list[object] = []
    scandir = os.scandir

    def counting(path: int) -> object:
        calls.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    return calls


def test_a_round_lists_no_folder(line: Line, listings: list[object]) -> None:
    courier = connected(line, 10)
    listings.clear()
    fly(courier, line.outbox.names(), time.monotonic() - 1)
    listings.clear()
    for _ in range(100):
        assert len(events_due(courier)) == 10
        tidy(courier)
    assert listings == []


def test_a_new_event_is_found_at_once_and_no_folder_is_listed(
    line: Line, listings: list[object]
) -> None:
    courier = connected(line, 10)
    fly(courier, line.outbox.names(), time.monotonic() + 10)
    line.outbox.put(*event(11))
    listings.clear()
    assert events_due(courier) == ["000000000011"]
    assert listings == []


def test_the_first_event_of_an_empty_outbox_is_found_at_once(line: Line) -> None:
    courier = connected(line, 0)
    assert [events_due(courier) for _ in range(3)] == [[], [], []]
    line.outbox.put(*event(1))
    assert events_due(courier) == ["000000000001"]


def test_a_number_that_was_left_out_is_found_by_the_next_listing(line: Line) -> None:
    courier = connected(line, 1)
    fly(courier, line.outbox.names(), time.monotonic() + 10)
    line.outbox.put(*event(7))
    assert events_due(courier) == []
    courier.unsent._listed_s -= LIST_S
    assert events_due(courier) == ["000000000007"]


def test_a_folder_that_changed_within_one_tick_of_its_clock_is_listed_again(line: Line) -> None:
    courier = connected(line, 1)
    fly(courier, line.outbox.names(), time.monotonic() + 10)
    folder = line.broker.state.outbox / "waiting"
    stamp = folder.stat().st_mtime_ns
    line.outbox.put(*event(7))
    os.utime(folder, ns=(stamp, stamp))
    courier.unsent._listed_s -= LIST_S
    assert events_due(courier) == ["000000000007"]


def test_an_event_that_watch_removed_is_forgotten(line: Line) -> None:
    courier = connected(line, 2)
    (line.broker.state.outbox / "waiting" / "000000000001").unlink()
    for name in events_due(courier):
        send_event(courier, name)
    assert events_due(courier) == []


@pytest.mark.parametrize("waiting", [10, MANY])
def test_what_the_broker_and_the_estate_say_of_one_event_looks_at_no_other(
    line: Line, waiting: int
) -> None:
    courier = connected(line, 0)
    fly(courier, [f"{number:012d}" for number in range(waiting)], time.monotonic() - 1)
    assert courier.flights.land(time.monotonic()) == 0
    looked = Looked(courier.flights._by_name)
    courier.flights._by_name = looked
    flight = courier.flights.of_message(5)
    assert flight is not None
    assert courier.flights.of_envelope(flight.digest) is flight
    assert courier.flights.land(time.monotonic()) == 0
    assert looked.lookups < 5


class Looked(dict[str, Flight]):
    """Flights by name that count how often one is looked up, and refuse to be walked through."""

    lookups = 0

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  # As of dict.
        self.lookups += 1
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("All flights were walked through.")
