"""The store: deduplication, durability, several receivers at once, and its refusals."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from sqlalchemy import Column, Connection, bindparam, event, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

import estate.__main__  # Declares all tables.
import estate.store as room
from estate.errors import StoreRefused
from estate.store import migrations
from estate.store.arrivals import COPIES
from estate.store.engine import open_engine
from estate.store.envelopes import ENVELOPES, Store
from estate.store.ledger import METADATA, append_records
from estate.tests.events import sealed_event
from estate.tests.postgres import Cluster
from formats.ledger import Happening

KEY = SigningKey(bytes(32))
ESTATE = Path(estate.__file__).parent


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()


def test_what_is_kept_is_found_byte_for_byte(store: Store) -> None:
    sealed = sealed_event(KEY)
    assert store.add_envelopes([sealed], 1) == [True]
    assert list(store.envelopes()) == [sealed]


def test_the_same_event_is_kept_once(store: Store) -> None:
    sealed = sealed_event(KEY)
    store.add_envelopes([sealed], 1)
    assert store.add_envelopes([sealed], 2) == [False]
    assert store.count() == 1


def test_two_events_under_one_number_are_both_kept(store: Store) -> None:
    assert store.add_envelopes([sealed_event(KEY)], 1) == [True]
    assert store.add_envelopes([sealed_event(KEY)], 1) == [True]
    assert store.count() == 2


def test_envelopes_come_back_oldest_first(store: Store) -> None:
    for at_ms in (30, 10, 20):
        store.add_envelopes([sealed_event(KEY, at_ms)], at_ms)
    assert [sealed.header.sequence for sealed in store.envelopes()] == [10, 20, 30]


def test_what_is_kept_survives_a_restart(store: Store, url: str) -> None:
    store.add_envelopes([sealed_event(KEY)], 1)
    again = Store(url)
    assert again.count() == 1
    again.close()


def test_the_database_waits_for_the_disk(store: Store) -> None:
    with store.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
            return
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2


def test_a_copy_is_counted(store: Store) -> None:
    sealed = sealed_event(KEY)
    for at_ms in range(1, 4):
        store.add_envelopes([sealed], at_ms)
    with store.engine.connect() as connection:
        assert connection.execute(select(COPIES.c.again)).scalar_one() == 2


def test_the_room_lists_every_table_with_the_module_that_declares_it(store: Store) -> None:
    listed = {
        table: owner
        for names, owner in re.findall(
            r"^\| (.*?) \| .* \| `(.*?)` \|$", str(room.__doc__), re.MULTILINE
        )
        for table in re.findall(r"`(\w+)`", names)
    }
    store.scrub()
    assert set(inspect(store.engine).get_table_names()) <= set(listed)
    for table in METADATA.tables:
        assert f'"{table}",' in (ESTATE / f"{listed[table].replace('.', '/')}.py").read_text()


def test_an_envelope_that_was_not_shown_is_found(store: Store) -> None:
    events = [sealed_event(KEY, number) for number in (1, 2)]
    for at_ms, sealed in enumerate(events):
        store.add_envelopes([sealed], at_ms)
    store.mark_shown([events[0]])
    assert list(store.envelopes(unshown=True)) == [events[1]]


def test_what_the_version_before_had_not_shown_and_had_counted_is_kept(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, unshown = sealed_event(KEY, 1), sealed_event(KEY, 2)
    engine = open_engine(make_url(url))
    with monkeypatch.context() as before:
        before.setattr(migrations, "NEWEST", "0007")
        migrations.migrate(engine)
    with engine.begin() as connection:
        for sealed, shown_ms, copies in ((shown, 5, 3), (unshown, None, 1)):
            header = sealed.header
            row = {"c": header.sender, "b": header.boot_id, "p": header.previous}
            told = {"d": sealed.digest, "e": sealed.blob, "n": copies, "s": shown_ms}
            connection.execute(
                text(
                    "INSERT INTO envelopes (camera, boot_id, sequence, stored_utc_ms, digest, "
                    "previous, copies, shown_utc_ms, blob) "
                    "VALUES (:c, :b, 1, 1, :d, :p, :n, :s, :e)"
                ),
                {**row, **told},
            )
    engine.dispose()
    store = Store(url)
    assert list(store.envelopes(unshown=True)) == [unshown]
    with store.reading() as connection:
        assert connection.execute(select(COPIES.c.event, COPIES.c.again)).all() == [
            (shown.digest, 2)
        ]
    store.close()


def test_the_events_that_are_kept_are_listed_without_those_that_were_destroyed(
    tmp_path: Path,
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *said: asked.append(str(said[2])))
    store.digests()
    with store.reading() as connection:
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {asked[-1]}")).all()
    store.close()
    assert "USING INDEX envelopes_kept" in str(plan)


def test_the_mark_differs_after_a_change_by_this_and_by_another_program(
    store: Store, url: str
) -> None:
    marks = [store.change_mark()]
    store.add_envelopes([sealed_event(KEY, 1)], 1)
    marks.append(store.change_mark())
    other = Store(url)
    other.add_envelopes([sealed_event(KEY, 2)], 1)
    other.close()
    marks.append(store.change_mark())
    assert len(set(marks)) == len(marks)


def test_to_show_an_event_does_not_write_its_envelope_again(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    sealed = sealed_event(KEY)
    store.add_envelopes([sealed], 1)
    log = tmp_path / "store.db-wal"
    before = log.stat().st_size
    store.mark_shown([sealed])
    store.add_envelopes([sealed], 2)
    assert log.stat().st_size - before < len(sealed.blob)
    store.close()


@pytest.mark.parametrize("column", [ENVELOPES.c.digest, ENVELOPES.c.stored_utc_ms], ids=str)
def test_one_event_is_found_without_reading_all_rows(
    tmp_path: Path, column: Column[object]
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    query = select(ENVELOPES.c.camera).where(column == bindparam("wanted"))
    with store.reading() as connection:
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}"), {"wanted": 1}).all()
    assert "SEARCH envelopes USING INDEX" in str(plan)
    store.close()


def test_an_event_is_not_taken_for_a_copy_because_another_receiver_was_in_the_way(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estate.store.envelopes.append_records", in_the_way_once())
    assert store.add_envelopes([sealed_event(KEY)], 1) == [True]
    assert store.count() == 1


def in_the_way_once() -> Callable[..., object]:
    """Return `append_records`, with another receiver that begins the ledger at the same moment."""
    tries = count()

    def appending(
        connection: Connection, event: Happening, bodies: Sequence[dict[str, int | str]]
    ) -> object:
        if next(tries) == 0:
            raise IntegrityError("The row is there.", None, Exception())
        return append_records(connection, event, bodies)

    return appending


def test_receivers_may_start_at_the_same_moment(postgres: Cluster) -> None:
    url = postgres.new_database()

    opening = "import sys; from estate.store.envelopes import Store; Store(sys.argv[1]).close()"
    starts = [subprocess.Popen([sys.executable, "-c", opening, url]) for _ in range(4)]
    assert [start.wait(50) for start in starts] == [0, 0, 0, 0]


def test_receivers_that_meet_the_same_events_in_another_order_do_not_deadlock(
    postgres: Cluster,
) -> None:
    url = postgres.new_database()
    one, two = Store(url), Store(url)
    group = [sealed_event(KEY, number) for number in range(1, 21)]
    one.add_envelopes(group, 1)
    backwards = group[::-1]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(15):
            shown = [
                pool.submit(one.mark_shown, group),
                pool.submit(two.mark_shown, backwards),
            ]
            copied = pool.submit(two.add_envelopes, backwards, 1)
            for each in shown:
                each.result()
            assert copied.result() == [False] * 20
    one.close()
    two.close()


def test_many_receivers_may_write_at_once(url: str) -> None:
    def write(numbers: range) -> None:
        store = Store(url)
        for number in numbers:
            store.add_envelopes([sealed_event(KEY, number)], number)
        store.close()

    Store(url).close()
    with ThreadPoolExecutor() as pool:
        list(pool.map(write, [range(at, at + 10) for at in range(1, 41, 10)]))
    store = Store(url)
    assert store.count() == 40
    store.close()


@pytest.mark.parametrize(
    "wrong", ["nonsense", "nonsense://x", "sqlite:////no/such/folder/store.db"]
)
def test_an_address_that_cannot_be_opened_is_refused(wrong: str) -> None:
    with pytest.raises(StoreRefused, match="settings"):
        Store(wrong)


def test_the_password_of_a_server_is_not_shown() -> None:
    with pytest.raises(StoreRefused) as refusal:
        Store("postgresql://estate:secret@127.0.0.1:1/tallylight")
    assert "secret" not in str(refusal.value)


def test_a_disk_that_cannot_be_written_is_refused(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("DROP TABLE envelopes"))
    with pytest.raises(StoreRefused, match="disk"):
        store.add_envelopes([sealed_event(KEY)], 1)


STARTING = """
import sys
from estate.store.envelopes import Store
print(flush=True)
sys.stdin.readline()
Store(sys.argv[1])
"""


def test_receivers_that_start_first_at_the_same_moment_all_start(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTING, f"sqlite:///{tmp_path / 'store.sqlite'}"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    starting = [subprocess.Popen(command, **pipes) for _ in range(6)]  # type: ignore[call-overload]
    for each in starting:
        each.stdout.readline()  # It has imported all it needs and waits for the word.
    for each in starting:
        each.stdin.write(b"\n")
        each.stdin.flush()
    said = [each.communicate(timeout=60)[1].decode() for each in starting]
    assert [each.returncode for each in starting] == [0] * 6, said
