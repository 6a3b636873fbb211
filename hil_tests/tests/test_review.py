"""From a person in the street to a match that two reviewers confirmed in two browsers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from estate.accounts import verify
from estate.tests.browser import WAIT_MS, Console, chromium, sit_down
from hil_tests.demo.review import office, write_report
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import REVIEWERS, tallylight_estate
from hil_tests.tests.test_demo import demo

pytestmark = [pytest.mark.broker, pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(300)]
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskSite:
    build = tmp_path_factory.mktemp("review") / "build"
    done = demo("--build", str(build))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "make demo REVIEW=1" in done.stdout
    return DeskSite(build / "desk", 0)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def estate(desk: DeskSite, command: str, *words: str) -> str:
    config = ("--config", str(office(desk)))
    return tallylight_estate(*command.split(), *config, *words)


def test_who_walks_by_is_confirmed_by_two_people_and_the_books_tell_it(
    desk: DeskSite, browser: Browser, tmp_path: Path
) -> None:
    consoles = [
        Console(office(desk), desk.estate / f"{reviewer}.key", desk.passphrase)
        for reviewer in REVIEWERS
    ]
    try:
        for console, outcome in zip(consoles, ("second person", "Confirmed"), strict=True):
            page = sit_down(browser, console)
            expect(page.get_by_role("img", name="The enrolment picture")).to_be_visible()
            page.keyboard.press("m")
            page.keyboard.press("Enter")
            expect(page.locator(".state")).to_contain_text(outcome)
    finally:
        for console in consoles:
            console.stop()
    write_report(desk, tmp_path / "report.html")
    assert json.loads((tmp_path / "report.json").read_text())["confirmed"] == 1
    estate(desk, "ledger export", str(tmp_path / "books"))
    command = [sys.executable, "-I", str(verify.__file__), str(tmp_path / "books"), "--json"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (event,) = json.loads(told)
    assert (event["outcome"], event["list_is_the_periods"]) == ("confirmed", True)
    assert len(event["verified_by"]) == 2
