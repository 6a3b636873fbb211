"""The public report: its figures are those of the ledgers, its page is self-contained."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from estate.store.ledger import ledger_records
from estate.tests.books import Office
from estate.tests.browser import chromium
from estate.tests.busy_day import busy_day
from estate.tests.command_line import done, run
from formats.ledger import Happening

pytestmark = pytest.mark.timeout(120)


def report(office: Office, *more: str) -> tuple[dict[str, object], str]:
    page, today = office.folder / "report.html", datetime.now(UTC).date()
    days = ("--since", str(today - timedelta(days=1)), "--until", str(today + timedelta(days=1)))
    done("report", "--config", str(office.settings), *days, "--to", str(page), *more)
    return json.loads(page.with_suffix(".json").read_text()), page.read_text("utf-8")


def test_the_reports_totals_are_those_of_the_ledger(office: Office) -> None:
    busy_day(office)
    figures, text = report(office)
    with office.store.reading() as connection:
        told = ledger_records(connection)
    assert f"{len(told)} in the estate's ledger" in text
    assert f"<code>{figures['ledger_head']}</code>" in text
    kinds = Counter(each.event for each in told)
    outcomes = Counter(each.body["outcome"] for each in told if each.event is Happening.DECISION)
    assert figures["candidates"] == kinds[Happening.STORED] == 5
    for outcome in ("confirmed", "not_a_match", "cannot_tell"):
        assert figures[outcome] == outcomes[outcome]
    assert figures["destroyed"] == {"not_a_match": kinds[Happening.DESTROYED]}
    assert (figures["waiting"], figures["faces"], figures["passers_by"]) == (1, 900, 60)
    assert (figures["other_faults"], figures["ledger_records"]) == (1, len(told))


def test_the_days_of_the_report_add_up_to_its_totals(office: Office) -> None:
    busy_day(office)
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
    busy_day(office)
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
    busy_day(office)
    _, text = report(office)
    for words in ("missing person: 1", "police: 1", 'href="https://example.org/agreement"'):
        assert words in text


def test_the_report_holds_no_entry_and_no_reviewer(office: Office) -> None:
    busy_day(office)
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
