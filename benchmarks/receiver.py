"""Time receivers: events stored in a second through a real broker, beside bare rows.

The receiver is frozen while twenty cameras hand their events to the broker, which keeps them in the
receiver's session. Then the receiver goes on and has the machine, the broker and the database for
itself. The same events once more are duplicates, which it has to recognise. Bare rows are the most
that a receiver could reach: what one writer puts into the same database, the same bytes in durable
transactions of 20. All of them take turns. With `--against COMMIT` the receiver of an earlier
commit takes its turn as well, on a store of its own.
"""

import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from nacl.signing import SigningKey
from sqlalchemy import Engine, MetaData, insert, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from benchmarks.cpu_time import Spread, ratios
from benchmarks.fleet import await_all, camera_keys, cameras, prepare_process, scratch_testbed
from benchmarks.table import Column, Table, options
from estate.intake.chains import read_chains
from estate.intake.receiver import GROUP
from estate.store.engine import open_engine
from estate.store.envelopes import ENVELOPES, Store
from estate.tests.events import REVIEWERS, meet_recipients, recipients_file, sealed_event
from estate.tests.postgres import Missing, cluster
from formats.envelope import NO_PREVIOUS, Sealed
from hil_tests.long.chaos.testbed import SupervisedProgram, Testbed

CAMERAS: Final = 20
EVENTS_EACH: Final = 40
"""800 events: mosquitto keeps 1,000 for a client that does not read."""
ROUNDS: Final = 3
LIMIT_S: Final = 90.0
POLL_S: Final = 0.005
ROOT: Final = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--events", type=int, default=EVENTS_EACH, help="of each camera, up to 48")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--against", metavar="COMMIT", help="an earlier receiver, too")
    arguments = parser.parse_args()
    prepare_process()
    columns = [Column("median"), Column("low"), Column("high")]
    table = Table("events of 33,203 bytes in a second", columns, ["paho-mqtt", "sqlalchemy"])
    with ExitStack() as stack:
        earlier = arguments.against and stack.enter_context(checked_out(arguments.against))
        measure(table, arguments, earlier, "sqlite", lambda: "")
        try:
            server = stack.enter_context(cluster())
        except Missing as reason:
            table.missing("receiver_ratio_postgresql", str(reason))
        else:
            measure(table, arguments, earlier, "postgresql", server.new_database)
    table.finish(arguments.json)


def measure(
    table: Table,
    arguments: Namespace,
    earlier: Path | None,
    database: str,
    new_url: Callable[[], str],
) -> None:
    """Let bare rows and receivers take turns on one kind of database; add their rows."""
    rates: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        rates.setdefault("bare rows", []).append(bare_rate(arguments.events, new_url()))
        new, again = receiver_rates(arguments.events, new_url())
        rates.setdefault("receiver", []).append(new)
        rates.setdefault("receiver, duplicates", []).append(again)
        if earlier is not None:
            old, _ = receiver_rates(arguments.events, new_url(), earlier)
            rates.setdefault(f"receiver of {arguments.against}", []).append(old)
    for name, measured in rates.items():
        spread = Spread.of(measured)
        table.add(f"{database}: {name}", spread.median, spread.low, spread.high)
    table.figure(f"receiver_ratio_{database}", ratios(rates["receiver"], rates["bare rows"]))


def bare_rate(events_each: int, url: str) -> float:
    """Return how many bare rows one writer stores in a second, `GROUP` in each transaction."""
    with TemporaryDirectory(prefix="tallylight-bench-", dir=_disk()) as folder:
        engine = open_engine(make_url(url or f"sqlite:///{folder}/bare.db"))
        table = ENVELOPES.to_metadata(MetaData())
        table.metadata.create_all(engine)
        rows = [
            {
                "camera": sealed.header.sender,
                "boot_id": sealed.header.boot_id,
                "sequence": sealed.header.sequence,
                "stored_utc_ms": 0,
                "digest": sealed.digest,
                "previous": sealed.header.previous,
                "blob": sealed.blob,
            }
            for key in camera_keys(CAMERAS)
            for sealed in _events(key, events_each)
        ]
        begun_s = time.monotonic()
        for at in range(0, len(rows), GROUP):
            with engine.begin() as connection:
                connection.execute(insert(table), rows[at : at + GROUP])
        wall_s = time.monotonic() - begun_s
        engine.dispose()
    return len(rows) / wall_s


def receiver_rates(events_each: int, url: str, earlier: Path | None = None) -> tuple[float, float]:
    """Return how many events a receiver stores in a second: new ones, and duplicates.

    Args:
        events_each: how many each of `CAMERAS` cameras sends.
        url: of the store, which is empty; "": SQLite.
        earlier: a checkout of an earlier commit, whose receiver it is; its duplicates are not
            counted (NaN).
    """
    with scratch_testbed(small=True, url="", on=_disk()) as testbed, ExitStack() as stack:
        url = url or f"sqlite:///{testbed.folder / 'measured.db'}"
        fleet = cameras(testbed.broker, CAMERAS, testbed.folder / "cameras")
        program = _receiver(testbed, url, earlier)
        stack.callback(program.kill)  # A frozen program does not end by itself.
        program.ensure_running()
        log = testbed.broker.folder / "broker.log"
        _await(lambda: b" as receiver " in log.read_bytes(), "The receiver did not start.")
        engine = open_engine(make_url(url))
        stack.callback(engine.dispose)
        _await(lambda: _count(engine, "SELECT count(*) FROM envelopes") == 0, "There is no store.")
        with engine.begin() as connection:
            meet_recipients(connection, recipients_file(REVIEWERS))
        for one in fleet:
            stack.callback(one.connection.close)
        events = [_events(one.key, events_each) for one in fleet]
        total = CAMERAS * events_each

        def drained(done: Callable[[], int]) -> float:
            await_all(fleet, lambda: all(one.connection.connected for one in fleet))
            program.pause()
            for one, own in zip(fleet, events, strict=True):
                for sealed in own:
                    one.send(sealed.blob)
            await_all(fleet, lambda: not any(one.sent for one in fleet))
            before, begun_s = done(), time.monotonic()
            if program.process is not None:
                program.process.send_signal(signal.SIGCONT)
            _await(lambda: done() - before == total, "The receiver did not store all events.")
            return total / (time.monotonic() - begun_s)

        new = drained(lambda: _count(engine, "SELECT count(*) FROM envelopes"))
        if earlier is not None:
            return new, float("nan")
        store = Store(url)
        stack.callback(store.close)
        return new, drained(lambda: sum(chain.copies for chain in read_chains(store)))


def _events(key: SigningKey, count: int) -> list[Sealed]:
    """Return a chain of sealed events of one camera."""
    made, previous = list[Sealed](), NO_PREVIOUS
    for number in range(1, count + 1):
        made.append(sealed_event(key, number, previous=previous))
        previous = made[-1].digest
    return made


def _receiver(testbed: Testbed, url: str, earlier: Path | None) -> SupervisedProgram:
    """Return the testbed's receiver on a store at `url`, of this tree or of an earlier one."""
    path = testbed.folder / "receiver.toml"
    settings = path.read_text("utf-8").replace(f"store = '{testbed.url}'", f"store = '{url}'")
    path.write_text(settings, "utf-8")
    command = [str(word) for word in testbed.receiver.command]
    inside = [] if earlier is None else ["env", f"--chdir={earlier}"]  # `-m` looks there first.
    return SupervisedProgram([*inside, *command], testbed.receiver.log)


def _count(engine: Engine, query: str) -> int:
    """Return the number that a query yields; -1 while there is no such table."""
    try:
        with engine.connect() as connection:
            return int(connection.execute(text(query)).scalar_one())
    except SQLAlchemyError:
        return -1


def _await(done: Callable[[], bool], otherwise: str) -> None:
    until_s = time.monotonic() + LIMIT_S
    while not done():
        if time.monotonic() > until_s:
            sys.exit(f"{otherwise} Run it again.")
        time.sleep(POLL_S)


def _disk() -> Path:
    """Return a folder in the checkout: the one for temporary files can lie in memory only."""
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Check an earlier commit out beside this one, and remove it at the end.

    Its connection is that of this tree: an earlier one does not get through a backlog at mosquitto.
    """
    with TemporaryDirectory(prefix="tallylight-bench-") as scratch:
        folder = Path(scratch) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        _run([*git, "add", "--quiet", "--detach", str(folder), commit])
        shutil.copytree(ROOT / "wire", folder / "wire", dirs_exist_ok=True)
        try:
            yield folder
        finally:
            _run([*git, "remove", "--force", str(folder)])


def _run(command: Sequence[str]) -> None:
    if subprocess.run(command, check=False).returncode:  # noqa: S603  # git, as above.
        sys.exit(f"This command failed, its message is above: {' '.join(command)}")


if __name__ == "__main__":
    main()
