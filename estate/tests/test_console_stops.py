"""A console stops at once and prints nothing, also while a page listens for changes."""

import signal

import pytest

from estate.tests.books import Office
from estate.tests.browser import chromium, console_of, sit_down

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_console_stops_without_a_word_while_a_page_listens(
    office: Office, number: signal.Signals
) -> None:
    office.arrive()
    console = console_of(office, 1)
    with chromium() as browser:
        page = sit_down(browser, console)
        page.wait_for_selector(".link.up")
        console.process.send_signal(number)
        _, said = console.process.communicate(timeout=30)
        page.get_by_text("not connected: start the console again").wait_for()
    assert said == ""
