"""Time receivers: how many events of many cameras one and four of them store in one second.

The receivers share one store, in SQLite and, where it is installed, in PostgreSQL.
"""

import time
from contextlib import ExitStack
from typing import Final

from sqlalchemy import func, select

from benchmarks.fleet import await_all, cameras, prepare_process, scratch_testbed
from benchmarks.table import Column, Table, options
from estate.store.envelopes import ENVELOPES, Store
from estate.tests.events import sealed_event
from estate.tests.postgres import Missing, cluster
from hil_tests.long.chaos.testbed import SupervisedProgram, Testbed

CAMERAS: Final = 20
EVENTS_EACH: Final = 40
START_S: Final = 12.0
"""Until every receiver listens, on a busy machine."""

RECEIVERS: Final = (1, 4)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--events", type=int, default=EVENTS_EACH, help="of each camera")
    arguments = parser.parse_args()
    prepare_process()
    table = Table(
        "receivers, events of 33,203 bytes", [Column("events/s")], ["paho-mqtt", "sqlalchemy"]
    )
    for workers in RECEIVERS:
        rate = stored_per_second(workers, arguments.events, "")
        table.add(f"{CAMERAS} cameras, {workers} receiver(s), SQLite", rate)
    try:
        with cluster() as server:
            for workers in RECEIVERS:
                rate = stored_per_second(workers, arguments.events, server.new_database())
                table.add(f"{CAMERAS} cameras, {workers} receiver(s), PostgreSQL", rate)
    except Missing as reason:
        table.note(f"PostgreSQL was not measured: {reason}")
    table.finish(arguments.json)


def stored_per_second(workers: int, events_each: int, url: str) -> float:
    """Return how many events of `CAMERAS` cameras some receivers store in one second.

    Args:
        workers: how many receivers share the store.
        events_each: how many events each camera sends.
        url: the store's database; "": SQLite.
    """
    with scratch_testbed(small=True, url=url) as testbed, ExitStack() as stack:
        fleet = cameras(testbed.broker, CAMERAS, testbed.folder / "cameras")
        for program in _receivers(testbed, workers):
            stack.callback(program.stop)
            program.ensure_running()
        time.sleep(START_S)
        for one in fleet:
            stack.callback(one.connection.close)
        await_all(fleet, lambda: all(one.connection.connected for one in fleet))
        events = {
            one.topic: [sealed_event(one.key, at) for at in range(1, events_each + 1)]
            for one in fleet
        }
        store, begun_s = Store(testbed.url), time.monotonic()
        for one in fleet:
            for sealed in events[one.topic]:
                one.send(sealed.blob)
        await_all(fleet, lambda: _stored(store) == CAMERAS * events_each)
        wall_s = time.monotonic() - begun_s
        store.close()
        return CAMERAS * events_each / wall_s


def _stored(store: Store) -> int:
    """Return how many events are in the store."""
    with store.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(ENVELOPES)).scalar_one())


def _receivers(testbed: Testbed, count: int) -> list[SupervisedProgram]:
    """Return receivers that share one store, each with a certificate of its own."""
    programs, settings = [testbed.receiver], (testbed.folder / "receiver.toml").read_text()
    command = [str(word) for word in testbed.receiver.command]
    for number in range(2, count + 1):
        name = f"receiver-{number}"
        path = testbed.folder / f"{name}.toml"
        changed = settings.replace("clients/receiver.", f"clients/{name}.")
        path.write_text(changed.replace("name = 'receiver'", f"name = '{name}'"))
        own = [str(path) if word.endswith("receiver.toml") else word for word in command]
        programs.append(SupervisedProgram(own, testbed.folder / f"{name}.log"))
    return programs


if __name__ == "__main__":
    main()
