"""The health view as a real process, opened in a real Chromium."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from estate.tests.books import Office
from estate.tests.browser import WAIT_MS

pytestmark = pytest.mark.timeout(180)


@contextmanager
def serving(office: Office) -> Iterator[str]:
    """Yield the view's address, once it answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    words = ["serve", "--config", str(office.settings), "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", "estate", *words], stdout=subprocess.DEVNULL)
    try:
        until_s = time.monotonic() + WAIT_MS / 1000
        while time.monotonic() < until_s:
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(WAIT_MS / 1000)


def test_the_health_view_refreshes_itself_and_says_when_it_no_longer_can(
    office: Office, browser: Browser
) -> None:
    office.arrive()
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    page.clock.install()
    with serving(office) as address:
        page.goto(address)
        page.get_by_text("1 event,").wait_for()
        office.arrive(sequence=2)
        page.clock.fast_forward(31_000)
        page.get_by_text("2 events").wait_for()
        assert page.locator("#trouble").inner_text() == ""
    page.clock.fast_forward(31_000)
    page.get_by_text("No longer refreshed").wait_for()
    page.get_by_text("2 events").wait_for()


def test_a_line_that_needs_action_says_so_in_words_and_not_by_a_colour_alone(
    office: Office, browser: Browser
) -> None:
    office.arrive(sequence=1)
    office.arrive(sequence=3)
    with serving(office) as address:
        page = browser.new_page()
        page.goto(address)
        assert page.locator(".wrong").count() >= 1
        assert "act now" in page.locator(".wrong").first.inner_text()
