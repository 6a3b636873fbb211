"""The review console in a real Chromium: verdicts of two people, keyboard, sound."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from estate.tests.books import STRANGER, Office
from estate.tests.browser import WAIT_MS, Console, console_of, judged, sit_down
from estate.tests.console_client import verdicts
from formats.event import HeldBack
from formats.keyfile import Purpose

STATIC = Path(__file__).parents[1] / "console" / "static"


pytestmark = pytest.mark.timeout(180)


expect.set_options(timeout=WAIT_MS)


def test_two_people_at_two_browsers_confirm_a_match(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    one, two = (sit_down(browser, console) for console in consoles)
    expect(one.get_by_role("heading", name="No candidate is waiting")).to_be_visible()
    office.arrive()
    judged(one, "m")
    expect(one.locator(".state")).to_contain_text("A second person must give a verdict")
    judged(two, "m")
    expect(two.locator(".state")).to_contain_text("Confirmed")
    expect(one.locator("#queue")).to_contain_text("confirmed by two people")


def test_a_verdict_signed_before_the_page_is_ready_for_it_is_not_lost(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive()
    page = sit_down(browser, consoles[0])
    page.wait_for_selector(".verdict")
    # A new form, before htmx has processed it.
    page.evaluate("""() => {
        const form = document.querySelector(".verdict");
        form.replaceWith(form.cloneNode(true));
    }""")
    judged(page, "m")
    assert verdicts(office) == 1
    assert "judgement" not in page.url


def test_a_reviewer_reads_how_often_the_entry_was_found_before(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive(held_back=HeldBack(1180, 1_790_000_000))
    page = sit_down(browser, consoles[0])
    facts = page.locator(".facts")
    expect(facts).to_contain_text("1,180 more times since the event of 2026-09-21 14:13 UTC")
    expect(facts).to_contain_text("a poster or a guard")


def test_news_does_not_take_back_what_was_chosen(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive(1)
    page = sit_down(browser, consoles[0])
    page.wait_for_selector(".verdict")
    page.keyboard.press("n")
    office.arrive(2)
    expect(page.locator("#count")).to_have_text("2")
    expect(page.get_by_role("radio", name="Not a match")).to_be_checked()
    expect(page.get_by_role("button", name="Sign the verdict")).to_be_enabled()


def test_a_new_candidate_appears_by_itself_with_sound_and_is_announced(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    page = sit_down(browser, consoles[0])
    page.get_by_role("button", name="Sound").click()
    expect(page.locator("#link")).to_have_text("connected")
    office.arrive()
    expect(page.locator("#said")).to_have_text("New candidate: North gate")
    expect(page.locator("body")).to_have_attribute("data-chimes", "2")
    expect(page.get_by_role("heading", name="North gate")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\)"))


def test_the_page_tells_what_the_candidate_rests_on(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive()
    page = sit_down(browser, consoles[0])
    for words in (
        *("0.812", "0.730", "1 in 2,500", "1 entry", "100 px high", "North gate"),
        *("clock set from the network", "lease 0606060606060606", "missing person", "Some Act"),
        "Kept until",
    ):
        expect(page.locator("#candidate")).to_contain_text(words)


def test_disagreement_is_not_a_match_and_is_recorded(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive()
    one, two = (sit_down(browser, console) for console in consoles)
    judged(one, "m")
    judged(two, "n")
    expect(two.locator(".state")).to_contain_text("Not a match")
    expect(two.locator("#said")).to_be_empty()
    assert two.locator(".export").count() == 0
    assert verdicts(office) == 2


def test_the_same_person_at_two_browsers_is_one_person(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive()
    elsewhere = console_of(office, 1)
    first, second = sit_down(browser, consoles[0]), sit_down(browser, elsewhere)
    second.wait_for_selector(".verdict")
    second.evaluate("document.querySelector('#queue').removeAttribute('hx-get')")
    judged(first, "m")
    with second.expect_response(lambda answer: "/verdict/" in answer.url):
        second.evaluate(
            "htmx.ajax('POST', '/verdict/' + document.querySelector('article').dataset.event,"
            " {target: '#candidate', values: {judgement: 'match', portrait: 'none'}})"
        )
    refusal = second.locator("article .banner")
    expect(refusal).to_contain_text("given your verdict on this event already")
    expect(second.locator("form.verdict")).to_have_count(0)
    assert verdicts(office) == 1
    elsewhere.stop()


def test_nothing_comes_from_elsewhere_and_no_rule_of_the_page_is_broken(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive()
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(consoles[0].address)
    judged(page, "c")
    assert faults == []
    assert [url for url in asked if not url.startswith(consoles[0].origin)] == []


def test_the_token_does_not_stay_in_the_address(consoles: list[Console], browser: Browser) -> None:
    page = sit_down(browser, consoles[0])
    assert page.url == consoles[0].origin + "/"


def test_the_keyboard_and_a_screen_reader_reach_everything(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive()
    page = sit_down(browser, consoles[0], viewport={"width": 390, "height": 844})
    page.wait_for_selector(".verdict")
    for name in ("Match", "Not a match", "Cannot tell"):
        expect(page.get_by_role("radio", name=name, exact=True)).to_have_count(1)
    expect(page.get_by_role("group", name="Are these two the same person?")).to_be_visible()
    expect(page.get_by_role("img", name="The face as the camera saw it")).to_be_visible()
    expect(page.get_by_role("navigation", name="Candidates")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("radio", name="Not a match")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign the verdict")).to_be_disabled()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_event_sealed_to_others_is_refused_by_name(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive(to=[STRANGER, office.opening(2)])
    page = sit_down(browser, consoles[0])
    expect(page.locator("#queue")).to_contain_text("not to the reviewers r1")


def test_a_reviewer_that_the_site_does_not_name_has_no_console(office: Office) -> None:
    office.make(Purpose.REVIEWER, "r9")
    office.make(Purpose.VERDICT, "r9.verdict")
    console = console_of(office, 9)
    said = console.process.communicate(timeout=30)[1]
    assert (console.process.returncode, "do not name this reviewer" in said) == (1, True)


def test_the_library_in_the_page_is_the_one_that_was_published() -> None:
    written = (STATIC / "VENDORED.md").read_text("utf-8")
    assert sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest() in written
