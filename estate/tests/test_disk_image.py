"""After retention nothing of a destroyed event is left on the whole disk, named by a file or not.

The store lies on a file system of its own; the search goes through every block of it, and through
every file of a PostgreSQL server.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from estate.__main__ import app
from estate.store.envelopes import Store
from estate.tests import postgres
from estate.tests.books import STRANGER, Office, jpeg
from estate.tests.disk_image import DiskImage, NoImage, make_image
from estate.tests.needles import CANARY, needles
from formats.envelope import Kind, Sealed, open_sealed, read, verify
from formats.errors import FormatError
from formats.verdict import Judgement

EVENTS = 25
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def image(tmp_path: Path) -> DiskImage:
    try:
        image = make_image(tmp_path)
        with image.mount():
            return image
    except NoImage as why:
        pytest.skip(f"The disk image needs root and a loop device: {why}.")


def arrive(office: Office, numbers: range) -> list[Sealed]:
    return [office.arrive(number + 1, crop_jpeg=jpeg() + CANARY) for number in numbers]


def refuse(office: Office, sealed: Sealed) -> None:
    for number in (1, 2):
        office.desk(number).judge(sealed.digest, Judgement.NOT_A_MATCH)


def retain(office: Office) -> None:
    words = ["retain", "--config", str(office.settings), *office.passphrase]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output


def left(content: bytes, events: list[Sealed]) -> list[int]:
    """Return the numbers of the events of which any part is found."""
    return [
        number
        for number, event in enumerate(events)
        if any(needle in content for needle in needles(event))
    ]


def test_nothing_of_destroyed_events_is_left_on_the_whole_disk(image: DiskImage) -> None:
    with image.mount() as disk:
        office = Office(disk / "office")
        first = arrive(office, range(EVENTS))
        office.store.close()  # The last program to close it removes the log.
        office.store = Store(office.url)
        second = arrive(office, range(EVENTS, EVENTS + 3))
        doomed = [*first[::5], second[1]]
        for event in doomed:
            refuse(office, event)
        retain(office)
        office.store.close()
    kept = [event for event in (*first, *second) if event not in doomed]
    content = image.content()
    assert left(content, kept) == list(range(len(kept)))  # The search would find them.
    assert left(content, doomed) == []


def test_no_key_that_ever_existed_opens_anything_on_the_disk(image: DiskImage) -> None:
    with image.mount() as disk:
        office = Office(disk / "office")
        (doomed,) = arrive(office, range(1))
        refuse(office, doomed)
        keys, camera = [office.opening(1), office.opening(2), STRANGER], office.site().policy
        retain(office)
        office.store.close()
    content, magic, opened = image.content(), doomed.blob[:8], []
    at = content.find(magic)
    while at >= 0:
        for key in keys:
            with suppress(FormatError):
                found = read(Kind.EVENT, content[at : at + len(doomed.blob)])
                opened.append(open_sealed(verify(found, camera.places[0].camera.sign_key), key))
        at = content.find(magic, at + 1)
    assert opened == []


def test_the_search_finds_what_a_log_that_was_given_back_holds(image: DiskImage) -> None:
    with image.mount() as disk:
        office = Office(disk / "office")
        doomed = arrive(office, range(EVENTS))
        office.store._release.detach()
        office.store.engine.dispose()  # As any program that uses SQLite would: the log is removed.
        with sqlite3.connect(disk / "office" / "store.db") as careless:
            careless.execute("PRAGMA secure_delete=ON")
            careless.execute("UPDATE envelopes SET blob = ''")
        careless.close()
    assert left(image.content(), doomed) != []


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Cluster]:
    try:
        with postgres.cluster() as made:
            yield made
    except postgres.Missing as missing:
        pytest.skip(str(missing))


def files(folder: Path, chosen: Callable[[Path], bool]) -> bytes:
    """Return the content of a server's files."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and chosen(path))
    return b"".join(path.read_bytes() for path in found)


def test_nothing_of_a_destroyed_event_is_left_in_any_file_of_postgresql(
    tmp_path: Path, server: postgres.Cluster
) -> None:
    office = Office(tmp_path / "office")
    office.store.close()
    url = server.new_database()
    office.write_settings(store=url)
    office.store = Store(url)
    events = arrive(office, range(8))
    refuse(office, events[3])
    retain(office)
    with office.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as sql:
        sql.exec_driver_sql("CHECKPOINT")
        tables = files(server.folder / "data", lambda path: "pg_wal" not in path.parts)
        assert left(tables, events) == [0, 1, 2, 4, 5, 6, 7]
        server.turn_log_over(sql)
    office.store.close()
    everything = files(server.folder, lambda _: True)
    assert left(everything, events) == [0, 1, 2, 4, 5, 6, 7]
