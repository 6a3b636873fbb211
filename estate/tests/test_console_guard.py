"""The access control of the console: token, Host, Origin, and verdicts that it does not show."""

import pyrage
import pytest
from playwright.sync_api import Browser

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
    assert (status, "token is missing or wrong" in content) == (403, True)
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
    path, body = f"/verdict/{event.hex()}", "judgement=match"
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
