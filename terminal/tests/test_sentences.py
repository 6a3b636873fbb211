"""Counts and days in sentences."""

from datetime import datetime

import pytest
import typer

from formats.counts import counted
from terminal.days import read_day


def test_one_thing_is_in_the_singular() -> None:
    assert [counted(count, "event") for count in (0, 1, 2, 1000)] == [
        "0 events",
        "1 event",
        "2 events",
        "1,000 events",
    ]


def test_a_day_is_read() -> None:
    assert read_day("2026-12-31") == datetime(2026, 12, 31)  # noqa: DTZ001


@pytest.mark.parametrize("text", ["31.12.2026", "", "2026-02-30", "2026-12-31 10:00"])
def test_what_is_no_day_is_told_how_a_day_is_written(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="as in 2026-12-31"):
        read_day(text)
