"""A console whose store is away says so once, waits and goes on; no verdict is lost or doubled."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from estate.console.app import make_console
from estate.console.seat import Seat
from estate.console.store_wait import LONGEST_S, StoreWait
from estate.errors import StoreRefused
from estate.tests.asgi import answer
from estate.tests.books import Office
from estate.tests.browser import WAIT_MS, console_of, judged, sit_down
from estate.tests.console_client import verdicts
from estate.tests.postgres import Cluster

pytestmark = pytest.mark.timeout(180)
expect.set_options(timeout=WAIT_MS)
SOCKET = ".s.PGSQL.5432"


@dataclass
class OnServer(Office):
    """An office whose store is on a server, which it reaches by a socket that a test can remove."""

    address: str = ""

    @property
    def url(self) -> str:
        return self.address


@dataclass
class Server:
    """A PostgreSQL server that goes away and comes back."""

    cluster: Cluster
    place: Path
    name: str

    @property
    def url(self) -> str:
        return f"postgresql://estate@/{self.name}?host={self.place}"

    def come(self) -> None:
        (self.place / SOCKET).symlink_to(self.cluster.folder / SOCKET)

    def go(self) -> None:
        (self.place / SOCKET).unlink()
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        with psycopg.connect(host=str(self.cluster.folder), user="estate", dbname="postgres") as to:
            to.execute(others, (self.name,))


def test_a_console_waits_for_its_server_and_a_verdict_counts_once(
    postgres: Cluster, tmp_path: Path, browser: Browser
) -> None:
    name = postgres.new_database().partition("@/")[2].partition("?")[0]
    server = Server(postgres, tmp_path, name)
    server.come()
    office = OnServer(tmp_path / "office", address=server.url)
    office.arrive()
    console = console_of(office, 1)
    page = sit_down(browser, console)
    page.wait_for_selector(".verdict")
    server.go()
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    expect(page.locator("#trouble")).to_contain_text("The store does not answer")
    expect(page.get_by_role("radio", name="Match", exact=True)).to_be_checked()
    server.come()
    expect(page.locator("#trouble")).to_be_hidden()
    judged(page, "m")
    assert verdicts(office) == 1
    console.process.terminate()
    said = console.process.communicate(timeout=30)[1].splitlines()
    assert ["The store answers again." in line for line in said] == [False, True], said
    office.store.close()


def test_a_verdict_for_a_locked_store_is_not_stored_and_counts_once_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estate.store.engine.LOCK_S", 0.1)
    office = Office(tmp_path / "office")
    event = office.arrive().digest
    seat = Seat(lambda _: office.desk(1), office.desk(1))
    ask = asking(office, seat)
    ask(f"/candidate/{event.hex()}", "")
    path, body = f"/verdict/{event.hex()}", "judgement=match&portrait=none"
    with sqlite3.connect(office.folder / "store.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "The store cannot be written" in ask(path, body)
        other.execute("ROLLBACK")
    other.close()
    assert verdicts(office) == 0
    assert "You said" in ask(path, body)
    twice = ask(path, body)
    assert "given your verdict on this event already" in twice
    assert "Sign the verdict" not in twice
    assert 'name="judgement"' not in twice
    assert verdicts(office) == 1
    office.store.close()


def asking(office: Office, seat: Seat) -> Callable[[str, str], str]:
    """Return a function that asks a console as its own page does: POST if there is a body."""
    host = "0123456789abcdef.localhost:1"
    console = make_console(seat, office.folder / "books", host, "token")
    headers = {"Host": host, "Origin": f"http://{host}", "Cookie": f"tallylight={console._session}"}

    def ask(path: str, body: str) -> str:
        return answer(console, path, "POST" if body else "GET", body, **headers).text

    return ask


def test_what_could_not_be_stored_is_stored_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estate.store.engine.LOCK_S", 0.1)
    office = Office(tmp_path / "office")
    desk = office.desk(1)
    event = office.arrive().digest
    with sqlite3.connect(office.folder / "store.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreRefused):
            desk.refresh()
        other.execute("ROLLBACK")
        assert desk.standing(event) is None
        desk.refresh()
        assert desk.standing(event)
        ends = other.execute("SELECT count(*) FROM acts WHERE kind = 'opened'").fetchone()
    other.close()
    assert ends == (1,)
    office.store.close()


def test_the_pauses_grow_to_a_bound_and_each_absence_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wait = StoreWait(0.5)
    wait.begin(StoreRefused("Away."))
    pauses = []
    for _ in range(8):
        wait.begin(StoreRefused("Away."))
        pauses.append(wait.next_s())
    assert pauses == [1.0, 2.0, 4.0, 8.0, LONGEST_S, LONGEST_S, LONGEST_S, LONGEST_S]
    wait.end()
    wait.end()
    assert wait.next_s() == 0.5
    assert len(caplog.messages) == 2
