"""Accessibility of every page by axe-core: on a phone and on a desk, in light and in dark."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # No types.
from playwright.sync_api import Browser, Page, ViewportSize

from estate.tests.books import Office
from estate.tests.browser import WAIT_MS, Console, console_of, sit_down
from estate.tests.busy_day import busy_day
from estate.tests.command_line import done
from estate.tests.test_console_export import ask_for_a_hand_over
from estate.tests.test_health import got
from estate.tests.test_report import report
from estate.tests.test_subject_access import listed_under

pytestmark = pytest.mark.timeout(180)
SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 390, "height": 844},
    "desk": {"width": 1440, "height": 900},
}
Scheme = Literal["light", "dark"]
LOOKS = [
    pytest.param(SIZES["phone"], "dark", id="phone-dark"),
    pytest.param(SIZES["desk"], "light", id="desk-light"),
    pytest.param(SIZES["phone"], "light", id="phone-light", marks=pytest.mark.long),
    pytest.param(SIZES["desk"], "dark", id="desk-dark", marks=pytest.mark.long),
]
"""Sizes and schemes; between them, the two that `make test` runs have every layout and colour."""


def faults(page: Page) -> list[str]:
    """Return the faults that axe-core finds: each rule and the elements that break it."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found]


def opened(browser: Browser, size: ViewportSize, scheme: Scheme, address: str) -> Page:
    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    return page


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_screen_of_the_console_is_for_everybody(
    office: Office, browser: Browser, size: ViewportSize, scheme: Scheme
) -> None:
    consoles = [console_of(office, 1), console_of(office, 2)]
    try:
        assert screens(office, browser, consoles, size, scheme) == {}
    finally:
        for console in consoles:
            console.stop()


def screens(
    office: Office,
    browser: Browser,
    consoles: list[Console],
    size: ViewportSize,
    scheme: Scheme,
) -> dict[str, list[str]]:
    """Return the faults of each screen that has any, from an empty desk to a hand-over."""
    one, other = (sit_down(browser, each, viewport=size, color_scheme=scheme) for each in consoles)
    one.wait_for_selector(".link.up")
    found = {"no candidate waits": faults(one)}
    office.arrive()
    one.wait_for_selector(".verdict")
    found["a candidate"] = faults(one)
    one.keyboard.press("m")
    found["a choice"] = faults(one)
    one.keyboard.press("Enter")
    one.wait_for_selector(".state")
    found["one verdict"] = faults(one)
    one.keyboard.press("?")
    found["help"] = faults(one)
    one.keyboard.press("Escape")
    other.wait_for_selector(".verdict")
    other.keyboard.press("m")
    other.keyboard.press("Enter")
    other.wait_for_selector(".export")
    other.locator(".export summary").click()
    found["a match"] = faults(other)
    ask_for_a_hand_over(other)
    found["a hand-over that this person asks for"] = faults(other)
    one.wait_for_selector(".asked")
    found["a hand-over that another asks for"] = faults(one)
    one.get_by_role("button", name="make the encrypted file").click()
    one.wait_for_selector(".handed")
    found["a hand-over"] = faults(one)
    other.locator(".hold summary").click()
    found["a hold to ask for"] = faults(other)
    other.get_by_label("Reason").fill("A court.")
    other.keyboard.press("Enter")
    one.wait_for_selector(".hold button:text('Sign the same reason')")
    found["a hold to sign"] = faults(one)
    one.get_by_role("button", name="Sign the same reason").click()
    one.wait_for_selector("#hold-title:text('Held by two people')")
    found["a hold"] = faults(one)
    one.keyboard.press("l")
    one.get_by_label("Passphrase").fill("wrong")
    one.keyboard.press("Enter")
    one.wait_for_selector(".banner")
    found["a locked console"] = faults(one)
    return {screen: wrong for screen, wrong in found.items() if wrong}


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_report_the_letter_and_the_health_view_are_for_everybody(
    office: Office, browser: Browser, size: ViewportSize, scheme: Scheme
) -> None:
    busy_day(office)
    listed_under(office, "CR/77")
    groups = office.folder / "groups.json"
    groups.write_text('{"group A": [20, 200], "group B": [2, 300]}')
    report(office, "--groups", str(groups))
    letter, health = office.folder / "letter.html", office.folder / "health.html"
    done("ask", "CR/77", "--config", str(office.settings), "--letter", str(letter))
    with ThreadPoolExecutor() as beside:  # Playwright's loop runs in this thread.
        health.write_text(beside.submit(got, office, "/", metrics=False).result()[1])
    pages = (office.folder / "report.html", letter, health)
    found = {page.name: faults(opened(browser, size, scheme, page.as_uri())) for page in pages}
    assert found == {page.name: [] for page in pages}
