"""The idle lock of the review console: when it locks, what it forgets, and what opens it again."""

import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from estate.console.app import make_console
from estate.console.desk import Desk
from estate.console.guard import Guard
from estate.console.seat import TRIES, Seat
from estate.errors import SeatLocked
from estate.tests.asgi import Answer, answer
from estate.tests.books import PASSPHRASE, Office
from estate.tests.browser import WAIT_MS, Console, sit_down
from estate.tests.console_client import ask, cookie_of, opened
from formats.keyfile import unlock_opening, unlock_signing
from formats.verdict import Judgement

pytestmark = pytest.mark.timeout(180)
expect.set_options(timeout=WAIT_MS)
HOST = "0123456789abcdef.localhost:1"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


@pytest.fixture
def seat(office: Office, clock: Clock) -> Seat:
    office.arrive()
    return Seat(lambda passphrase: opened_desk(office, 1, passphrase), office.desk(1), clock)


def opened_desk(office: Office, number: int, passphrase: str) -> Desk:
    opening = unlock_opening(office.keys[f"r{number}"], passphrase)
    signing = unlock_signing(office.keys[f"r{number}.verdict"], passphrase)
    desk = Desk(office.store, office.site, opening, signing)
    desk.refresh()
    return desk


def refusal(seat: Seat, passphrase: str) -> str:
    with pytest.raises(SeatLocked) as caught:
        seat.unlock(passphrase)
    return str(caught.value)


def test_a_seat_locks_after_five_minutes_without_an_action(seat: Seat, clock: Clock) -> None:
    clock.now_s += 299
    assert not seat.is_locked
    seat.touch()
    clock.now_s += 299
    assert seat.desk.standings()
    clock.now_s += 1
    assert seat.is_locked
    with pytest.raises(SeatLocked):
        seat.touch()


def test_the_policy_sets_the_time(seat: Seat, clock: Clock) -> None:
    desk = seat.desk
    desk.site = replace(desk.site, policy=replace(desk.site.policy, idle_lock_s=60))
    clock.now_s += 60
    assert seat.is_locked


def test_a_locked_seat_keeps_no_key(seat: Seat) -> None:
    opening, signing = weakref.ref(seat.desk.key), weakref.ref(seat.desk.verdict_key)
    seat.lock()
    assert (opening(), signing()) == (None, None)
    with pytest.raises(SeatLocked):
        _ = seat.desk


def test_the_passphrase_opens_the_events_again(seat: Seat) -> None:
    seat.lock()
    seat.unlock(PASSPHRASE)
    (standing,) = seat.desk.standings()
    assert seat.desk.judge(standing.event, Judgement.MATCH) is None


def test_a_wrong_passphrase_costs_a_growing_pause_and_names_no_person(
    seat: Seat, clock: Clock
) -> None:
    seat.lock()
    for pause_s in (1, 2, 4, 8, 16, 32, 60, 60):
        assert refusal(seat, "wrong") == "The passphrase does not open your key file: try again."
        assert refusal(seat, PASSPHRASE) == f"Wait {pause_s + 1} s, then try again."
        clock.now_s += pause_s
    seat.unlock(PASSPHRASE)
    seat.lock()
    refusal(seat, "wrong")
    assert refusal(seat, PASSPHRASE) == "Wait 2 s, then try again."


def test_after_ten_wrong_passphrases_in_a_row_the_right_one_does_not_open_it(
    seat: Seat, clock: Clock
) -> None:
    seat.lock()
    for _ in range(TRIES):
        assert "does not open" in refusal(seat, "wrong")
        clock.now_s += 60
    assert "start it again" in refusal(seat, PASSPHRASE)


def test_another_persons_key_file_does_not_unlock_it(office: Office, clock: Clock) -> None:
    seat = Seat(lambda passphrase: opened_desk(office, 2, passphrase), office.desk(1), clock)
    seat.lock()
    assert "does not open your key file" in refusal(seat, PASSPHRASE)


def test_a_reviewer_who_was_removed_stays_locked_out_without_a_name(
    tmp_path: Path, clock: Clock
) -> None:
    office = Office(tmp_path / "three", organisations=("police", "estate", "council"))
    seat = Seat(lambda passphrase: opened_desk(office, 3, passphrase), office.desk(3), clock)
    seat.lock()
    office.organisations = ("police", "estate")
    office.publish(version=2)
    assert "does not name the keys of this console" in refusal(seat, PASSPHRASE)


def test_one_passphrase_is_tried_at_a_time(office: Office, clock: Clock) -> None:
    seen: list[str] = []

    def slowly(_passphrase: str) -> Desk:
        seen.append(refusal(slow, PASSPHRASE))  # As from another tab of the browser.
        return office.desk(1)

    slow = Seat(slowly, office.desk(1), clock)
    slow.lock()
    slow.unlock(PASSPHRASE)
    assert seen == ["Another passphrase is being tried: wait a moment."]


# --- the pages


@pytest.fixture
def console(office: Office, seat: Seat) -> Guard:
    return make_console(seat, office.folder / "books", HOST, "token")


def get(console: Guard, path: str, method: str = "GET", body: str = "") -> Answer:
    """Ask as the console's own page does."""
    cookie = f"tallylight={console._session}"
    origin = f"http://{HOST}"
    return answer(console, path, method, body, Host=HOST, Cookie=cookie, Origin=origin)


def test_what_a_page_loads_by_itself_keeps_no_console_open(
    console: Guard, seat: Seat, clock: Clock
) -> None:
    event = seat.desk.standings()[0].event.hex()
    for path in ("/", "/queue", f"/candidate/{event}", f"/crop/{event}", f"/hold/{event}"):
        clock.now_s += 59.9
        assert get(console, path).status == 200
    clock.now_s += 0.5
    assert get(console, "/queue").status == 423


def test_an_action_of_the_reviewer_keeps_it_open(console: Guard, clock: Clock) -> None:
    clock.now_s += 299
    assert get(console, "/awake", "POST").status == 204
    clock.now_s += 299
    assert get(console, "/queue").status == 200
    clock.now_s += 1
    assert get(console, "/awake", "POST").status == 423


def test_a_locked_console_shows_no_face_no_name_and_no_event(console: Guard, seat: Seat) -> None:
    event = seat.desk.standings()[0].event.hex()
    assert get(console, "/lock", "POST").status == 303
    for path in ("/queue", *(f"/{kind}/{event}" for kind in ("candidate", "crop", "hold"))):
        refused = get(console, path)
        assert (refused.status, refused.text, refused.headers["hx-refresh"]) == (423, "", "true")
    assert get(console, f"/verdict/{event}", "POST", "judgement=match").status == 423
    page = get(console, "/").text
    assert "This console is locked" in page
    assert [
        word for word in ("r1", "police", "mill", event[:16], "North gate") if word in page
    ] == []
    assert "locked" in get(console, "/stream").text


def test_the_page_of_a_locked_console_unlocks_it(console: Guard) -> None:
    get(console, "/lock", "POST")
    wrong = get(console, "/unlock", "POST", "passphrase=wrong")
    assert (wrong.status, "does not open your key file" in wrong.text) == (200, True)
    assert "Wait" in get(console, "/unlock", "POST", f"passphrase={PASSPHRASE}").text


def test_a_reviewer_locks_and_unlocks_the_console_in_a_browser(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    event = office.arrive().digest
    page = sit_down(browser, consoles[0])
    beside = page.context.new_page()
    beside.goto(consoles[0].origin)
    for each in (page, beside):
        each.wait_for_selector(".verdict")
    page.keyboard.press("l")
    for each in (page, beside):
        expect(each.get_by_role("heading", name="This console is locked")).to_be_visible()
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())
    assert ask(consoles[0], f"/crop/{event.hex()}", Cookie=cookie)[0] == 423
    expect(page.get_by_label("Passphrase")).to_be_focused()  # A letter typed before would be lost.
    page.keyboard.type(PASSPHRASE)
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_be_visible()


def test_a_key_is_an_action_and_a_page_whose_console_is_gone_forgets_what_it_shows(
    office: Office, consoles: list[Console], browser: Browser
) -> None:
    office.arrive()
    page = browser.new_context().new_page()
    page.clock.install()
    page.goto(consoles[0].address)
    page.wait_for_selector(".verdict")
    with page.expect_request("**/awake"):
        page.keyboard.press("n")
    consoles[0].stop()
    expect(page.locator("#link")).to_contain_text("not connected")
    expect(page.locator("main img")).to_have_count(1)
    page.clock.fast_forward(300_000)
    expect(page.get_by_role("heading", name="Locked")).to_be_visible()
    expect(page.locator("img")).to_have_count(0)


def test_a_stranger_cannot_unlock_or_lock(office: Office, consoles: list[Console]) -> None:
    event = office.arrive().digest
    cookie, evil = cookie_of(consoles[0]), "http://evil.example"
    opened(consoles[0], cookie, event)
    assert ask(consoles[0], "/lock", "POST", Cookie=cookie, Origin=evil)[0] == 403
    assert ask(consoles[0], "/unlock", "POST", f"passphrase={PASSPHRASE}")[0] == 403
    assert ask(consoles[0], f"/crop/{event.hex()}", Cookie=cookie)[0] == 200
