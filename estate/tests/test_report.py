"""Report, answers and health: nothing but what the books say, and nothing about people."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect
from typer.testing import CliRunner, Result

from estate.__main__ import app
from estate.budget.false_alarms import FalseAlarmCount
from estate.monitoring.health import Health, read_health
from estate.monitoring.pages import make_pages
from estate.report.intervals import interval
from estate.signed_site import store_list
from estate.store.ledger import ledger_records
from estate.tests.books import Office
from estate.tests.browser import chromium
from firmware.tests import desk as authority
from formats.budget import BudgetState
from formats.entry import case_digest
from formats.ledger import Happening
from formats.verdict import Judgement

MATCH, NOT, UNSURE = Judgement.MATCH, Judgement.NOT_A_MATCH, Judgement.CANNOT_TELL
pytestmark = pytest.mark.timeout(120)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def done(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.output


def busy(office: Office) -> None:
    """A day on which everything happened."""
    for number, (first, second) in enumerate(
        [(MATCH, MATCH), (MATCH, NOT), (NOT, NOT), (UNSURE, UNSURE)], 1
    ):
        event = office.arrive(number).digest
        office.desk(1).judge(event, first)
        office.desk(2).judge(event, second)
    office.arrive(5)
    stick = office.camera_book()
    lists: dict[str, int | str] = {"lease_id": "06" * 16, "list_digest": office.site().digest.hex()}
    stick.append(Happening.PERIOD_BEGIN, lists)
    stick.append(Happening.PERIOD_END, {"frames": 900, "faces": 70, "searched": 60})
    stick.append(Happening.FAULT, {"code": "LampDark"})
    stick.sign()
    assert office.take_in().exit_code == 0
    config = ("--config", str(office.settings))
    done("retain", *config, *office.passphrase)


def report(office: Office, *more: str) -> tuple[dict[str, object], str]:
    page, today = office.folder / "report.html", datetime.now(UTC).date()
    days = ("--since", str(today - timedelta(days=1)), "--until", str(today + timedelta(days=1)))
    done("report", "--config", str(office.settings), *days, "--to", str(page), *more)
    return json.loads(page.with_suffix(".json").read_text()), page.read_text("utf-8")


def test_the_reports_totals_are_those_of_the_ledger(office: Office) -> None:
    busy(office)
    figures, _ = report(office)
    with office.store.reading() as connection:
        told = ledger_records(connection)
    kinds = Counter(each.event for each in told)
    outcomes = Counter(each.body["outcome"] for each in told if each.event is Happening.DECISION)
    assert figures["candidates"] == kinds[Happening.STORED] == 5
    for outcome in ("confirmed", "not_a_match", "cannot_tell"):
        assert figures[outcome] == outcomes[outcome]
    assert figures["destroyed"] == {"not_a_match": kinds[Happening.DESTROYED]}
    assert (figures["waiting"], figures["faces"], figures["searched"]) == (1, 70, 60)
    assert (figures["other_faults"], figures["ledger_records"]) == (1, len(told))


def test_the_days_of_the_report_add_up_to_its_totals(office: Office) -> None:
    busy(office)
    figures, _ = report(office)
    days = dict(figures["days"]).values()  # type: ignore[call-overload]
    for name in ("candidates", "confirmed", "not_a_match", "cannot_tell"):
        assert sum(day[name] for day in days) == figures[name]


def test_a_period_without_anything_is_a_report_of_zeros(office: Office) -> None:
    page = office.folder / "old.html"
    days = ("--since", "2026-01-01", "--until", "2026-02-01")
    done("report", "--config", str(office.settings), *days, "--to", str(page))
    figures = json.loads(page.with_suffix(".json").read_text())
    assert (figures["candidates"], figures["armed_h"]) == (0, 0)


def test_the_page_needs_nothing_beside_it_and_breaks_no_rule(office: Office) -> None:
    busy(office)
    _, text = report(office)
    assert re.findall(r'(?:src|href)="(?!#)(?!https://example\.org)[^"]*"', text) == []
    faults: list[str] = []
    asked: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("console", lambda message: faults.append(message.text))
        page.on(
            "request",
            lambda each: None if each.url.startswith("file:") else faults.append(each.url),
        )
        page.goto((office.folder / "report.html").as_uri())
        expect(page.get_by_role("heading", name="Face recognition at mill")).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert (faults, [url for url in asked if not url.startswith("file:")], wide) == ([], [], 0)


def test_the_report_names_suppliers_categories_and_their_public_agreement(office: Office) -> None:
    busy(office)
    _, text = report(office)
    for words in ("missing person: 1", "police: 1", 'href="https://example.org/agreement"'):
        assert words in text


def test_the_report_holds_no_entry_and_no_reviewer(office: Office) -> None:
    busy(office)
    figures, text = report(office)
    for secret in (office.entries[0].handle.hex(), "r1.verdict", "Superintendent"):
        assert secret not in text + json.dumps(figures)


def test_error_rates_of_groups_have_intervals(office: Office) -> None:
    counted = office.folder / "groups.json"
    counted.write_text('{"group A": [1, 200], "group B": [0, 3]}')
    figures, text = report(office, "--groups", str(counted))
    assert "group B" in text
    low, high = (dict(figures["groups"])["group B"][name] for name in ("low", "high"))  # type: ignore[call-overload]
    assert (low, round(high, 3)) == (0.0, 0.708)


@pytest.mark.parametrize("content", ["[]", '{"a": 1}', '{"a": [3, 2]}', "no"])
def test_broken_groups_are_refused(office: Office, content: str) -> None:
    counted = office.folder / "groups.json"
    counted.write_text(content)
    days = ("--since", "2026-01-01", "--until", "2026-02-01", "--to", str(office.folder / "x.html"))
    result = run("report", "--config", str(office.settings), *days, "--groups", str(counted))
    assert (result.exit_code, result.stderr.startswith("Refused: ")) == (1, True)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (1, 10, 0.0025, 0.4450),
        (50, 1000, 0.0373, 0.0654),
    ],
)
def test_intervals_are_those_of_clopper_and_pearson(
    count: int, of: int, low: float, high: float
) -> None:
    bounds = interval(count, of)
    assert bounds == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 3000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_what_was_seen(counted: tuple[int, int]) -> None:
    low, high = interval(*counted) or (1.0, 0.0)
    assert 0 <= low <= counted[0] / counted[1] <= high <= 1


def listed_under(office: Office, reference: str, **changes: object) -> None:
    """Publish a list whose one entry was made under a reference, let the office meet it."""
    publisher = authority.Desk(
        recipients=office.recipients,
        now=office.now,
        entries=[
            authority.entry(
                5,
                case_digest=case_digest(bytes([5]) * 16, reference),
                added_utc_s=int(office.now.timestamp()) - 60,
                review_utc_s=int(office.now.timestamp()) + 86400,
                expires_utc_s=int(office.now.timestamp()) + 86400,
                **changes,
            )
        ],
    )
    publisher.publish(office.folder / "published", version=2)
    with office.store.writing() as connection:
        store_list(connection, office.site())


def test_somebody_who_was_listed_is_told_by_whom_and_when(office: Office) -> None:
    listed_under(office, "CR/77")
    office.publish(version=3)
    with office.store.writing() as connection:
        store_list(connection, office.site())
    letter = office.folder / "letter.html"
    config = ("--config", str(office.settings))
    (entry,) = json.loads(done("ask", "CR/77", *config, "--json", "--letter", str(letter)))[
        "entries"
    ]
    assert (entry["organisation"], entry["lists"]) == ("police", [2])
    for words in ("<strong>Yes.</strong>", "police, Inspector", "Some Act", "CR/77", "North gate"):
        assert words in letter.read_text("utf-8")


def test_somebody_who_was_not_listed_is_told_so(office: Office) -> None:
    listed_under(office, "CR/77")
    letter = office.folder / "letter.html"
    said = done("ask", "CR/78", "--config", str(office.settings), "--letter", str(letter))
    assert "No entry was made under this reference" in said
    assert "<strong>No.</strong>" in letter.read_text("utf-8")


def test_what_a_list_says_is_shown_and_not_obeyed(office: Office) -> None:
    listed_under(office, "CR/77", requested_by="[bold red]Chief[/] <b>[/x]")
    letter = office.folder / "letter.html"
    said = done("ask", "CR/77", "--config", str(office.settings), "--letter", str(letter))
    assert "[bold red]Chief[/] <b>[/x]" in said
    assert "[bold red]Chief[/] &lt;b&gt;[/x]" in letter.read_text("utf-8")


def test_an_answer_needs_no_biometrics(office: Office) -> None:
    listed_under(office, "CR/77")
    for path in (office.folder / "published" / "targets").glob("*.sealed"):
        path.unlink()
    assert "police" in done("ask", "CR/77", "--config", str(office.settings))


def got(office: Office, path: str, *, metrics: bool, host: str = "127.0.0.1") -> tuple[int, str]:
    """Status and text of a page of the health view, asked as a server asks."""
    messages = list[MutableMapping[str, Any]]()

    def read() -> Health:
        return read_health(office.store, office.site(), [], datetime.now(UTC))

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    asked = {"type": "http", "method": "GET", "path": path, "query_string": b"", "scheme": "http"}
    asked |= {"headers": [(b"host", host.encode())], "root_path": "", "http_version": "1.1"}
    asyncio.run(make_pages(read, metrics=metrics)(asked, receive, send))
    text = b"".join(each.get("body", b"") for each in messages).decode()
    return int(messages[0]["status"]), text


def test_the_health_view_tells_last_words_gaps_and_ages(office: Office) -> None:
    office.arrive()
    text = got(office, "/", metrics=False)[1]
    for words in ("North gate", "1 events, 0 gaps", "version 1", "Repository", "Waiting"):
        assert words in text


def test_prometheus_is_off_unless_asked_for(office: Office) -> None:
    assert got(office, "/metrics", metrics=False)[0] == 404
    text = got(office, "/metrics", metrics=True)[1]
    assert "tallylight_list_version 1\n" in text


def test_the_metrics_say_nothing_about_people_or_places(office: Office) -> None:
    busy(office)
    text = got(office, "/metrics", metrics=True)[1]
    assert re.sub(r'tallylight_[a-z_]+(\{camera="[0-9a-f]{32}"\})? [0-9.]+\n', "", text) == ""


def test_another_name_for_this_machine_is_refused(office: Office) -> None:
    assert got(office, "/metrics", metrics=True, host="evil.example")[0] == 400


def test_the_health_command_says_when_the_list_ends(office: Office) -> None:
    said = json.loads(done("health", "--config", str(office.settings), "--json"))
    assert said["list_expires_utc_s"] - said["list_issued_utc_s"] == 7 * 86400


@pytest.mark.parametrize(
    ("false_alarms", "searched", "state"),
    [
        (0, 0, BudgetState.UNDECIDED),
        (0, 10_000, BudgetState.WITHIN),
        (14, 10_000, BudgetState.UNDECIDED),
        (30, 10_000, BudgetState.BROKEN),
        (7, 7, BudgetState.BROKEN),
    ],
)
def test_the_budget_is_judged_by_walds_test(
    false_alarms: int, searched: int, state: BudgetState
) -> None:
    assert FalseAlarmCount(bytes(16), false_alarms, searched, fpir_ppm=1000).state is state


def test_the_budgets_stated_errors_hold_in_simulation() -> None:
    import numpy as np  # noqa: PLC0415

    random = np.random.default_rng(7)

    def ever_broken(rate: float) -> bool:
        hits = np.cumsum(random.random(40_000) < rate)
        for searched in range(200, 40_001, 200):
            state = FalseAlarmCount(bytes(16), int(hits[searched - 1]), searched, 1000).state
            if state is not BudgetState.UNDECIDED:
                return state is BudgetState.BROKEN
        return False

    kept = sum(ever_broken(0.001) for _ in range(400))
    over = sum(ever_broken(0.002) for _ in range(400))
    assert kept <= 0.01 * 400 + 8  # Four standard deviations above the stated bound.
    assert over >= 0.95 * 400 - 18
