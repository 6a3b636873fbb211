"""Time delivery with real programs and a real broker: a full outbox, and a fleet that reconnects.

One camera was away while 10,000 events waited: its courier sends them through the broker to the
receiver, until each has its receipt and a stand-in for `watch` has removed it. Two hundred cameras
lose their broker at once: they connect again, each after a wait of its own.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.fleet import LIMIT_S, await_all, cameras, prepare_process, scratch_testbed
from benchmarks.machine import peak_mib
from benchmarks.table import Column, Table, options
from estate.tests.events import sealed_event
from firmware.delivery import marks
from firmware.delivery.marks import CHAINS, Link
from firmware.folder import Folder
from firmware.identity import watch_keys
from formats.envelope import NO_PREVIOUS
from hil_tests.long.chaos.testbed import Testbed

QUEUED: Final = 10_000
FLEET: Final = 200
START_S: Final = 2.0
"""Until the receiver listens."""


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--queued", type=int, default=QUEUED, help="events that wait")
    parser.add_argument("--fleet", type=int, default=FLEET, help="cameras that reconnect")
    arguments = parser.parse_args()
    prepare_process()
    columns = [Column("figure"), Column("unit")]
    table = Table("delivery, events of 33,203 bytes", columns, ["paho-mqtt"])
    rate, memory_mib = drain(arguments.queued)
    table.add(f"courier to receiver, {arguments.queued:,} waiting, SQLite", rate, "events/s")
    table.add("most memory of that courier", memory_mib, "MiB")
    wall_s, attempts = reconnect(arguments.fleet)
    table.add(f"{arguments.fleet} cameras back after their broker was killed", wall_s, "s")
    table.add("connections that they needed", attempts, "")
    table.finish(arguments.json)


def drain(count: int) -> tuple[float, float]:
    """Return events per second from outbox to receipt, and the courier's peak memory in MiB."""
    with scratch_testbed(small=False) as testbed:
        fill(testbed, count)
        testbed.receiver.ensure_running()
        time.sleep(START_S)
        testbed.courier.ensure_running()
        testbed.maker.ensure_running()  # It removes the events whose receipts have come.
        waiting, courier = testbed.state / "outbox" / "waiting", testbed.courier.process
        if courier is None:
            raise SystemExit("The courier did not start: its log is in the testbed's folder.")
        _await_fewer(waiting, count)
        begun_s = time.monotonic()
        _await_fewer(waiting, 1)
        return count / (time.monotonic() - begun_s), peak_mib(courier.pid)


def fill(testbed: Testbed, count: int) -> None:
    """Put events into the outbox of a camera that is away, without one fsync for each."""
    key, previous = watch_keys(testbed.broker.state).sign, NO_PREVIOUS
    outbox, link = testbed.state / "outbox", Link(0, bytes(16), 0, bytes(32))
    for number in range(1, count + 1):
        sealed = sealed_event(key, number, previous=previous)
        (outbox / "waiting" / f"{number:012d}").write_bytes(sealed.blob)
        previous = sealed.digest
        link = Link(number, sealed.header.boot_id, number, sealed.digest)
    with Folder(outbox) as folder:
        for name in CHAINS:
            marks.write(folder, name, link)


def _await_fewer(waiting: Path, count: int) -> None:
    """Wait until fewer than `count` events are in the outbox."""
    until_s = time.monotonic() + LIMIT_S
    while len(list(waiting.iterdir())) >= count:
        if time.monotonic() > until_s:
            raise SystemExit(f"The outbox was not emptied within {LIMIT_S:.0f} s: queue fewer.")
        time.sleep(0.02)


def reconnect(count: int) -> tuple[float, int]:
    """Return how many seconds a fleet that lost its broker is away, and its connections."""
    with scratch_testbed(small=True) as testbed, ExitStack() as stack:
        fleet = cameras(testbed.broker, count, testbed.folder / "cameras", port=testbed.uplink.port)
        for one in fleet:
            stack.callback(one.connection.close)
        await_all(fleet, lambda: all(one.connection.connected for one in fleet))
        before = testbed.uplink.counts.connections
        testbed.broker.kill()
        await_all(fleet, lambda: not any(one.connection.connected for one in fleet))
        testbed.broker.start()
        begun_s = time.monotonic()
        await_all(fleet, lambda: all(one.connection.connected for one in fleet))
        return time.monotonic() - begun_s, testbed.uplink.counts.connections - before


if __name__ == "__main__":
    main()
