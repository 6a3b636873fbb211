"""The console as a real process, and a real Chromium that opens it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from estate.tests.books import Office

WAIT_MS = 30_000
"""Longest wait for anything to appear: machines that run tests are busy."""


def chromium_path() -> str:
    """Return the path of the distribution's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "Chromium is missing: make browser."
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a headless browser; each context in it acts as a separate browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@dataclass
class Console:
    """One reviewer's console, running as its own process."""

    settings: Path
    key: Path
    passphrase_file: Path
    address: str = ""
    before: Sequence[str] = ()
    """Words that go before the command, as to run it as another user."""
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        command = [
            *self.before,
            *(sys.executable, "-m", "estate", "review", "--config", str(self.settings)),
            *("--key", str(self.key), "--passphrase-file", str(self.passphrase_file)),
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().rpartition(" ")[2].strip()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.address.partition("/?")[0]

    def stop(self) -> None:
        """Stop the console; kill it if it does not stop."""
        self.process.terminate()
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def console_of(office: Office, number: int) -> Console:
    """Start the console of one reviewer of the office."""
    key = office.folder / f"r{number}.key"
    return Console(office.settings, key, office.folder / "passphrase")


def sit_down(browser: Browser, console: Console, **how: object) -> Page:
    """Open a console in a new browser context, and collect every error of the page."""
    context = browser.new_context(**how)  # type: ignore[arg-type]  # Playwright's own options.
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(console.address)
    page.wait_for_url(f"{console.origin}/")
    return page


def judged(page: Page, key: str) -> None:
    """Give a verdict with the keyboard alone."""
    page.wait_for_selector(".verdict")
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_selector(".state")
