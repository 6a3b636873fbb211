"""`make docs-pages`: console, hand-over and report of the last demo, as the documents show them.

The only faces are the two public-domain portraits of the demo. Chromium takes the pictures at the
width of a phone and of a desk, in light and in dark.
"""

import argparse
import shutil
from io import BytesIO
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pyrage
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from estate.tests.browser import Console, chromium_path
from hil_tests.demo.review import office, write_report
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import REVIEWERS

SIZES: Final = {"phone": (390, 844), "desk": (1440, 900)}
SCHEMES: Final = ("light", "dark")
WAIT_MS: Final = 30_000
COLOURS: Final = 256
"""Colours of a picture: enough for a page, and small in the repository."""


def main() -> None:
    """Take all pictures of the demo in the folder named on the command line."""
    parser = argparse.ArgumentParser(prog="make docs-pages", description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build/demo"))
    parser.add_argument("--to", type=Path, default=Path("docs/images"))
    chosen = parser.parse_args()
    build = chosen.build.absolute()
    desk = DeskSite(build / "desk", 0)
    before = build / "estate-before"
    shutil.copytree(desk.estate, before)  # The verdicts of the pictures are not the demo's.
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium_path(), args=["--no-sandbox"]
            )
            take(browser, desk, build, chosen.to)
            browser.close()
    finally:
        shutil.rmtree(desk.estate)
        before.rename(desk.estate)


def take(browser: Browser, desk: DeskSite, build: Path, to: Path) -> None:
    """Take each picture: a candidate, a confirmed match, its hand-over, the report."""
    to.mkdir(parents=True, exist_ok=True)
    consoles = [
        Console(office(desk), desk.estate / f"{reviewer}.key", desk.passphrase)
        for reviewer in REVIEWERS
    ]
    try:
        # A printed address works once: each console has one page, which changes its looks.
        first, second = (_page(browser, "desk", "dark", each.address) for each in consoles)
        first.wait_for_selector(".verdict")
        first.keyboard.press("m")
        for size in SIZES:
            for scheme in SCHEMES:
                _look(first, size, scheme)
                _shoot(first, to / f"console-{size}-{scheme}.png")
        _look(first, "desk", "dark")
        for page in (first, second):
            _judge(page)
        _shoot(second, to / "console-confirmed.png")
        match = build / "match.html"
        match.write_bytes(_hand_over(first, second))
        _shoot(_page(browser, "desk", "light", match.as_uri()), to / "match-page.png")
    finally:
        for console in consoles:
            console.stop()
    report = build / "public-report.html"
    write_report(desk, report)
    for scheme in SCHEMES:
        _shoot(_page(browser, "desk", scheme, report.as_uri()), to / f"report-{scheme}.png")


def _hand_over(first: Page, second: Page) -> bytes:
    """Let two reviewers hand the match over; return the page that its recipient opens."""
    police = pyrage.x25519.Identity.generate()
    first.locator(".export summary").click()
    first.get_by_label("Recipient", exact=True).fill("Police of the county")
    first.get_by_label("Their age public key").fill(str(police.to_public()))
    first.get_by_role("button", name="ask for the second signature").click()
    second.get_by_role("button", name="make the encrypted file").click()
    with second.expect_download() as saved:
        second.get_by_role("link", name="Save the encrypted file").click()
    archive = pyrage.decrypt(Path(saved.value.path()).read_bytes(), [police])
    with ZipFile(BytesIO(archive)) as opened:
        return opened.read("match.html")


def _judge(page: Page) -> None:
    page.wait_for_selector(".verdict")
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    page.wait_for_selector(".state")


def _page(browser: Browser, size: str, scheme: str, address: str) -> Page:
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    _look(page, size, scheme)
    page.goto(address)
    return page


def _look(page: Page, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")


def _shoot(page: Page, to: Path) -> None:
    page.wait_for_timeout(400)  # The page draws what the key changed.
    page.screenshot(path=to)
    with Image.open(to) as taken:
        small = taken.convert("RGB").quantize(COLOURS)
    small.save(to, optimize=True)


if __name__ == "__main__":
    main()
