"""The access control of the console: token, Host, Origin, and verdicts that it does not show."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyrage
import pytest
from playwright.sync_api import Browser

from estate.commands.review import _link
from estate.console.guard import COOKIE
from estate.store.ledger import ledger_records
from estate.tests.books import Office
from estate.tests.browser import Console, judged, sit_down
from estate.tests.console_client import ask, cookie_of, opened, verdicts
from formats.ledger import Happening
from formats.verdict import Judgement

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("path", ["/", "/queue", "/stream", "/static/console.js", "/?token=wrong"])
def test_without_the_token_nothing_is_shown(consoles: list[Console], path: str) -> None:
    status, content, headers = ask(consoles[0], path)
    assert (status, "token is missing, wrong or was used" in content) == (403, True)
    assert "default-src 'none'" in headers["content-security-policy"]


def test_another_consoles_token_is_wrong(consoles: list[Console]) -> None:
    cookie = cookie_of(consoles[0])
    assert ask(consoles[1], "/", Cookie=cookie)[0] == 403


def test_another_name_for_this_machine_is_refused(consoles: list[Console]) -> None:
    cookie = cookie_of(consoles[0])
    assert ask(consoles[0], "/", Cookie=cookie, Host="evil.example")[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_site_gives_no_verdict(
    office: Office, consoles: list[Console], headers: dict[str, str]
) -> None:
    event = office.arrive().digest
    cookie = cookie_of(consoles[0])
    path, body = f"/verdict/{event.hex()}", "judgement=match&portrait=none"
    assert ask(consoles[0], path, "POST", body, Cookie=cookie, **headers)[0] == 403
    assert verdicts(office) == 0


def test_one_verdict_is_not_exported(office: Office, consoles: list[Console]) -> None:
    event = office.arrive().digest
    cookie, origin = cookie_of(consoles[0]), consoles[0].origin
    office.desk(1).judge(event, Judgement.MATCH)
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    form = f"recipient={recipient}&to=Inspector"
    opened(consoles[0], cookie, event)
    path = f"/export/{event.hex()}"
    _, content, _ = ask(consoles[0], path, "POST", form, Cookie=cookie, Origin=origin)
    assert "Two different people must have confirmed" in content
    with office.store.reading() as connection:
        assert not any(each.event is Happening.EXPORTED for each in ledger_records(connection))


def test_the_other_browser_sees_nothing_of_a_verdict_before_its_own(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    event = office.arrive().digest
    cookie = cookie_of(consoles[1])
    opened(consoles[1], cookie, event)
    paths = ("/queue", f"/candidate/{event.hex()}")
    before = [ask(consoles[1], path, Cookie=cookie)[1] for path in paths]
    judged(sit_down(browser, consoles[0]), "m")
    assert [ask(consoles[1], path, Cookie=cookie)[1] for path in paths] == before


def test_the_printed_address_works_once(consoles: list[Console]) -> None:
    cookie = cookie_of(consoles[0])
    status, content, _ = ask(consoles[0], consoles[0].address.removeprefix(consoles[0].origin))
    assert (status, "was used" in content) == (403, True)
    assert ask(consoles[0], "/", Cookie=cookie)[0] == 200


def test_the_token_opens_nothing_as_a_cookie(consoles: list[Console]) -> None:
    token = consoles[0].address.partition("token=")[2]
    assert ask(consoles[0], "/", Cookie=f"{COOKIE}={token}")[0] == 403


def test_no_other_program_on_this_machine_receives_the_cookie(
    consoles: list[Console], browser: Browser
) -> None:
    page = sit_down(browser, consoles[0])
    page.wait_for_selector("#count")
    with listening_elsewhere() as (port, heard):
        for host in ("127.0.0.1", "localhost", "another.localhost"):
            page.goto(f"http://{host}:{port}/")
            page.get_by_text("heard").wait_for()
    assert len(heard) >= 3
    assert [each for each in heard if COOKIE in each] == []
    page.goto(consoles[0].origin)
    page.wait_for_selector("#count")


def test_a_link_from_another_site_that_knows_the_name_opens_nothing(
    consoles: list[Console], browser: Browser
) -> None:
    page = sit_down(browser, consoles[0])
    page.wait_for_selector("#count")
    with listening_elsewhere(link=consoles[0].origin) as (port, _):
        page.goto(f"http://localhost:{port}/")
        page.get_by_role("link").click()
        page.get_by_text("Another site caused this request").wait_for()


def test_what_the_browser_is_started_with_names_no_token(tmp_path: Path) -> None:
    address = "http://0123456789abcdef.localhost:1234/?token=secret"
    link = _link(tmp_path, address)
    assert "secret" not in link
    assert "0123456789abcdef" not in link
    file = Path(link.removeprefix("file://"))
    assert address in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@contextmanager
def listening_elsewhere(link: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield the port of another program's page, and the headers of every request that it got."""
    heard: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(str(self.headers))
            body = f'<p>heard</p><a href="{link}">link</a>'.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, heard
        server.shutdown()
