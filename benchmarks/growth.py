"""Time the outbox and the courier with 10 and with 10,000 waiting events: whether their work grows.

The outbox makes room, takes one event and removes it. The courier looks for events to send and
tidies up, while all events were sent and wait for receipts. Both sizes take turns, in CPU time: a
wait for the disk counts nothing.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.cpu_time import Spread, by_turns, ratios
from benchmarks.table import Column, Table, options
from firmware.courier import Courier, events_due, tidy
from firmware.delivery.flights import Flight
from firmware.delivery.outbox import Outbox
from firmware.tests.outbox_events import event
from hil_tests.tests.line import Line
from wire.line import Line as ConnectionLine
from wire.tests.broker import Broker

FEW: Final = 10
MANY: Final = 10_000
ROUNDS: Final = 60
TURNS: Final = 20
"""Rounds of the courier in one step: a single one takes less than the clock's tick."""


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    arguments = parser.parse_args()
    columns = [Column(f"{name} ms", ",.3f") for name in ("median", "low", "high")]
    table = Table("one event among many that wait", columns)
    with ExitStack() as stack:

        def scratch() -> Path:
            return Path(stack.enter_context(tempfile.TemporaryDirectory()))

        for key, steps in (
            ("room_growth", [_room(scratch(), size) for size in (FEW, MANY)]),
            ("due_growth", [_due(scratch(), size, stack) for size in (FEW, MANY)]),
        ):
            spent = by_turns(dict(zip(map(str, (FEW, MANY)), steps, strict=True)), ROUNDS)
            for size, values in spent.items():
                spread = Spread.of(values)
                name = f"{key.partition('_')[0]}, {int(size):,} waiting"
                table.add(name, spread.median, spread.low, spread.high)
            table.figure(key, ratios(spent[str(MANY)], spent[str(FEW)]))
    table.finish(arguments.json)


def _room(folder: Path, size: int) -> Callable[[], object]:
    """Return the outbox's work with one event beside `size` that wait."""
    outbox = Outbox(folder / "outbox")
    _fill(folder / "outbox" / "waiting", size)
    sealed, link = event(size + 1)

    def step() -> None:
        outbox.room()
        outbox.put(sealed, link)
        outbox.remove(f"{size + 1:012d}")
        outbox.lapsed(30, time.time())

    return step


def _due(folder: Path, size: int, stack: ExitStack) -> Callable[[], object]:
    """Return some rounds of a courier that has sent `size` events, which wait for receipts."""
    line = Line(Broker(folder), folder)
    stack.callback(line.store.close)
    _fill(line.broker.state.outbox / "waiting", size)
    courier = line.courier()
    courier.connection.connected = True
    courier.connection._line = ConnectionLine()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    for number in range(1, size + 1):
        name, digest = f"{number:012d}", number.to_bytes(32)
        courier.flights.add(Flight(name, digest, number, time.monotonic()))
    return partial(_rounds, courier)


def _rounds(courier: Courier) -> None:
    for _ in range(TURNS):
        events_due(courier)
    tidy(courier)


def _fill(waiting: Path, size: int) -> None:
    for number in range(1, size + 1):
        (waiting / f"{number:012d}").touch()


if __name__ == "__main__":
    main()
