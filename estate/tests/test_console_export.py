"""Hand-overs in the console, in a real Chromium: two people sign, and both see it."""

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pyrage
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from estate.tests.books import Office
from estate.tests.browser import WAIT_MS, Console, judged, sit_down
from estate.tests.console_client import ask, cookie_of, opened
from formats.verdict import Judgement

pytestmark = pytest.mark.timeout(180)
expect.set_options(timeout=WAIT_MS)
READER = pyrage.x25519.Identity.generate()
KEY = str(READER.to_public())
TO = "Inspector on duty"


def ask_for_a_hand_over(page: Page) -> None:
    """Fill in the form of a confirmed match, and sign it."""
    form = page.locator("details.export")
    if form.get_attribute("open") is None:
        form.locator("summary").click()
    page.get_by_label("Recipient", exact=True).fill(TO)
    page.get_by_label("Their age public key").fill(KEY)
    page.get_by_role("button", name="ask for the second signature").click()
    page.wait_for_selector(".asked")


def confirmed(office: Office, browser: Browser, consoles: list[Console]) -> tuple[bytes, Page]:
    """Let both reviewers confirm one event; return it, and the first reviewer's page."""
    event = office.arrive().digest
    office.desk(2).judge(event, Judgement.MATCH)
    page = sit_down(browser, consoles[0])
    judged(page, "m")
    page.wait_for_selector(".export")
    return event, page


def test_two_people_hand_a_match_over_and_both_see_to_whom_when_and_by_whom(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    event, one = confirmed(office, browser, consoles)
    ask_for_a_hand_over(one)
    expect(one.locator(".asked")).to_contain_text("You ask to hand this match over")
    two = sit_down(browser, consoles[1])
    two.get_by_text("a hand-over waits for your signature").click()
    asked = two.locator(".asked")
    for words in ("r1 (police) asks to hand this match over", TO, KEY):
        expect(asked).to_contain_text(words)
    asked.get_by_role("button", name="make the encrypted file").click()
    with two.expect_download() as saved:
        two.get_by_role("link", name="Save the encrypted file").click()
    assert saved.value.suggested_filename == f"match-{event.hex()[:16]}.age"
    archive = pyrage.decrypt(Path(saved.value.path()).read_bytes(), [READER])
    assert "match.html" in ZipFile(BytesIO(archive)).namelist()
    for page in (one, two):
        for words in (TO, KEY, "r1 (police) and r2 (estate)", "UTC"):
            expect(page.locator(".handed")).to_contain_text(words)
    assert one.get_by_role("link", name="Save the encrypted file").count() == 0


def test_what_one_person_asks_for_can_be_taken_back(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    event, page = confirmed(office, browser, consoles)
    ask_for_a_hand_over(page)
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator(".asked")).to_have_count(0)
    standing = office.desk(2).standing(event)
    assert standing
    assert standing.asked is None


def test_another_recipient_than_the_one_shown_is_refused_on_the_page(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    event, page = confirmed(office, browser, consoles)
    ask_for_a_hand_over(page)
    cookie, origin = cookie_of(consoles[1]), consoles[1].origin
    opened(consoles[1], cookie, event)
    form = f"recipient={pyrage.x25519.Identity.generate().to_public()}&to=Inspector+on+duty"
    path = f"/export/{event.hex()}"
    _, content, _ = ask(consoles[1], path, "POST", form, Cookie=cookie, Origin=origin)
    assert "r1 asks to hand this match to another recipient or key" in content
    assert ask(consoles[1], f"{path}/file", Cookie=cookie)[0] == 404


def test_a_late_refresh_does_not_close_the_form_of_an_export(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    _, page = confirmed(office, browser, consoles)
    expect(page.locator("#queue")).to_contain_text("confirmed by two people")
    held: list[Route] = []
    page.route("**/candidate/*", lambda route: held.append(route))  # noqa: PLW0108  # Playwright marks it.
    with page.expect_request("**/candidate/*"):
        page.evaluate("htmx.trigger('#queue', 'changed')")
    page.get_by_text("Hand this match over").click()
    with page.expect_event("requestfinished"):
        held[0].continue_()
    page.get_by_label("Recipient", exact=True).fill("Inspector on duty")
    page.wait_for_timeout(300)
    expect(page.get_by_label("Recipient", exact=True)).to_have_value("Inspector on duty")
