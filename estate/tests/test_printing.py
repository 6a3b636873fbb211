"""Terminal output of an event: texts in it cannot control the terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from estate.opening.terminal import event_panel
from estate.tests.events import EVENT
from formats.errors import Malformed
from formats.event import HeldBack, MatchEvent
from formats.strict_json import UTC_HIGH_S


def shown(event: MatchEvent) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(event_panel(event, None))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("site", ["[/x]", "[link=http://example.org]here[/link]", "[bold]"])
def test_an_event_cannot_speak_to_the_terminal(site: str) -> None:
    assert site in shown(replace(EVENT, site=site))


def test_the_latest_time_that_an_event_may_carry_can_be_shown() -> None:
    assert "2100-01-01" in shown(replace(EVENT, captured_utc_ms=1000 * UTC_HIGH_S))


def test_an_event_says_how_often_its_entry_was_found_before() -> None:
    assert "found before" not in shown(EVENT)
    since_utc_s = 1_790_000_000
    many = shown(replace(EVENT, held_back=HeldBack(1180, since_utc_s)))
    assert "1,180 more times since the event of 2026-09-21 14:13 UTC" in many
    assert "once more since" in shown(replace(EVENT, held_back=HeldBack(1, since_utc_s)))


def test_a_later_time_is_refused() -> None:
    with pytest.raises(Malformed, match="captured_utc_ms"):
        replace(EVENT, captured_utc_ms=1000 * UTC_HIGH_S + 1).to_payload()
