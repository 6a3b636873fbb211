"""`make docs-pages`: the console and the report of the last demo, as the documents show them.

The only faces are the two public-domain portraits of the demo. Chromium takes the pictures at the
width of a phone and of a desk, in light and in dark.
"""

import argparse
import shutil
from pathlib import Path
from typing import Final

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
    """Take each picture: a candidate, a confirmed match, the report."""
    to.mkdir(parents=True, exist_ok=True)
    consoles = [
        Console(office(desk), desk.estate / f"{reviewer}.key", desk.passphrase)
        for reviewer in REVIEWERS
    ]
    try:
        for size in SIZES:
            for scheme in SCHEMES:
                page = _page(browser, size, scheme, consoles[0].address)
                page.wait_for_selector(".verdict")
                page.keyboard.press("m")
                _shoot(page, to / f"console-{size}-{scheme}.png")
        _judge(browser, consoles[0])
        _shoot(_judge(browser, consoles[1]), to / "console-confirmed.png")
    finally:
        for console in consoles:
            console.stop()
    report = build / "public-report.html"
    write_report(desk, report)
    for scheme in SCHEMES:
        _shoot(_page(browser, "desk", scheme, report.as_uri()), to / f"report-{scheme}.png")


def _judge(browser: Browser, console: Console) -> Page:
    page = _page(browser, "desk", "dark", console.address)
    page.wait_for_selector(".verdict")
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    page.wait_for_selector(".state")
    return page


def _page(browser: Browser, size: str, scheme: str, address: str) -> Page:
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.set_default_timeout(WAIT_MS)
    page.goto(address)
    return page


def _shoot(page: Page, to: Path) -> None:
    page.wait_for_timeout(400)  # The page draws what the key changed.
    page.screenshot(path=to)
    with Image.open(to) as taken:
        small = taken.convert("RGB").quantize(COLOURS)
    small.save(to, optimize=True)


if __name__ == "__main__":
    main()
