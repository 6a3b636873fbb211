"""Hold and release in the review console: two people, each at their own browser."""

import pytest
from playwright.sync_api import Browser, Page, expect

from estate.retention.holds import held_events
from estate.store.ledger import ledger_records
from estate.tests.books import Office
from estate.tests.browser import WAIT_MS, Console, judged, sit_down
from estate.tests.console_client import ask, cookie_of, opened
from formats.ledger import Happening
from formats.verdict import Judgement

pytestmark = pytest.mark.timeout(180)
expect.set_options(timeout=WAIT_MS)
COURT = "A court, order 5 of 2026."


def held(office: Office) -> bool:
    with office.store.reading() as connection:
        return bool(held_events(connection, office.site()))


def recorded(office: Office, happening: Happening) -> list[dict[str, int | str]]:
    with office.store.reading() as connection:
        return [dict(each.body) for each in ledger_records(connection) if each.event is happening]


def propose(page: Page, words: str, reason: str) -> None:
    page.get_by_text(words).click()
    page.get_by_label("Reason").fill(reason)
    page.keyboard.press("Enter")


def test_two_people_hold_and_release_an_event_at_their_own_browsers(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    event = office.arrive().digest
    one, two = (sit_down(browser, console) for console in consoles)
    two.wait_for_selector(".verdict")
    two.keyboard.press("n")
    propose(one, "Keep this event longer", COURT)
    expect(one.locator("#hold")).to_contain_text("You ask to keep this event")
    expect(one.locator("#queue")).to_contain_text("hold: a second person is asked")
    assert not held(office)

    expect(two.locator("#queue")).to_contain_text("you are asked to sign a hold")
    expect(two.locator("#hold")).to_contain_text("r1 asks you to keep this event")
    expect(two.locator("#hold")).to_contain_text(COURT)
    expect(two.get_by_role("radio", name="Not a match")).to_be_checked()
    two.get_by_role("button", name="Sign the same reason").press("Enter")
    for page in (two, one):
        expect(page.locator("#hold")).to_contain_text("Held by two people")
        expect(page.locator("#hold")).to_contain_text("r1 (police)")
        expect(page.locator("#hold")).to_contain_text("r2 (estate)")
    assert held(office)
    (record,) = recorded(office, Happening.HELD)
    assert (record["envelope"], record["reason"]) == (event.hex(), COURT)

    propose(two, "Release this event", "The court has what it needs.")
    expect(one.locator("#hold")).to_contain_text("r2 asks you to release this event")
    one.get_by_role("button", name="Sign the same reason").click()
    expect(one.locator("#hold")).to_contain_text("Two people have signed: the event is released")
    assert not held(office)
    assert len(recorded(office, Happening.RELEASED)) == 1
    office.arrive(2)  # News renews what the page shows of the hold.
    expect(one.locator("#queue li a")).to_have_count(2)
    expect(one.locator("#hold")).to_contain_text("Two people have signed: the event is released")


def test_what_is_asked_and_held_stays_in_the_queue_after_the_verdicts(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    event = office.arrive().digest
    one, two = office.desk(1), office.desk(2)
    for desk in (one, two):
        desk.judge(event, Judgement.MATCH)
    one.keep(event, one.standings()[0].holding.wanted, COURT)
    page = sit_down(browser, consoles[1])
    asked = page.get_by_role("heading", name="You are asked to sign")
    expect(asked).to_be_visible()
    page.keyboard.press("j")
    page.get_by_role("button", name="Sign the same reason").click()
    expect(page.get_by_role("heading", name="Held 1")).to_be_visible()
    expect(asked).to_have_count(0)


def test_a_reviewer_signs_the_reason_that_was_shown_and_no_other(
    office: Office, consoles: list[Console]
) -> None:
    event = office.arrive().digest
    cookie, origin = cookie_of(consoles[1]), consoles[1].origin
    opened(consoles[1], cookie, event)
    one = office.desk(1)
    one.keep(event, one.standings()[0].holding.wanted, "Another reason by now.")

    def posted(body: str) -> tuple[int, str, dict[str, str]]:
        path = f"/hold/{event.hex()}"
        return ask(consoles[1], path, "POST", body, Cookie=cookie, Origin=origin)

    status, content, _ = posted("kind=hold&reason=A+court.")
    assert (status, "r1 has signed another reason" in content) == (200, True)
    assert "Another reason by now." in content
    assert "is not held" in posted("kind=release&reason=A+court.")[1]
    assert posted("kind=opened&reason=A+court.")[0] == 400
    assert not held(office)


def test_what_two_people_hold_is_not_said_to_be_destroyed_next(
    office: Office, consoles: list[Console]
) -> None:
    event = office.arrive().digest
    cookie = cookie_of(consoles[0])
    opened(consoles[0], cookie, event)
    for number, judgement in ((1, Judgement.MATCH), (2, Judgement.NOT_A_MATCH)):
        desk = office.desk(number)
        desk.judge(event, judgement)
        desk.keep(event, desk.standings()[0].holding.wanted, COURT)
    page = ask(consoles[0], f"/candidate/{event.hex()}", Cookie=cookie)[1]
    assert "The event is kept, because two people hold it." in page
    assert "is destroyed at the next" not in page


def test_a_reason_is_text_and_no_page(office: Office, consoles: list[Console]) -> None:
    event = office.arrive().digest
    cookie = cookie_of(consoles[1])
    opened(consoles[1], cookie, event)
    one = office.desk(1)
    one.keep(event, one.standings()[0].holding.wanted, '"><b>no</b>')
    content = ask(consoles[1], f"/hold/{event.hex()}", Cookie=cookie)[1]
    assert "<b>" not in content
    assert 'value="&#34;&gt;&lt;b&gt;no&lt;/b&gt;"' in content


def test_a_reason_before_the_page_is_ready_for_it_is_not_lost(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive()
    page = sit_down(browser, consoles[0])
    judged(page, "m")
    page.evaluate("""() => {
        const form = document.querySelector(".hold form");
        form.replaceWith(form.cloneNode(true));
    }""")
    propose(page, "Keep this event longer", COURT)
    expect(page.locator("#hold")).to_contain_text("You ask to keep this event")
    assert "reason" not in page.url
