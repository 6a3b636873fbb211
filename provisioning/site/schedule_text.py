"""The hours of recognition as text, such as `mon 06:00-22:30`, to read and to write; days, too.

The plan and the edited policy use the same lines. All hours and days are UTC.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

from formats.errors import Malformed
from formats.schedule import DAY_MINUTES, Window
from formats.strict_json import UTC_HIGH_S, UTC_LOW_S

_HOUR_MINUTES: Final = 60
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_schedule(lines: Iterable[str]) -> tuple[Window, ...]:
    """Return the windows in lines such as `daily 00:00-24:00` or `mon 06:00-22:30`.

    Raises:
        Malformed: a line has another form.
    """
    return tuple(window for line in lines for window in _windows(line))


def read_day(written: object, name: str) -> datetime:
    """Return the moment at which a day begins, such as `2026-12-31`, UTC.

    Args:
        written: text, or a day of TOML.
        name: what the day is for, in messages.

    Raises:
        Malformed: it is no such day, or no signed moment can name it.
    """
    text = written.isoformat() if isinstance(written, date) else written
    try:
        day = date.fromisoformat(text if isinstance(text, str) else "")
    except ValueError as error:
        raise Malformed(f"{name} is no day such as 2026-12-31: {text!a:.60}.") from error
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if not UTC_LOW_S <= moment.timestamp() <= UTC_HIGH_S:
        raise Malformed(f"{name} is {day}: name a day from 2020-01-01 to 2099-12-31.")
    return moment


def schedule_lines(schedule: Iterable[Window]) -> list[str]:
    """Return the lines that `read_schedule` reads, one for each window."""
    lines = [
        f"{_DAYS[window.weekday]} {_time(window.from_minute)}-{_time(window.until_minute)}"
        for window in schedule
    ]
    always = [f"{day} 00:00-{_time(DAY_MINUTES)}" for day in _DAYS]
    return ["daily 00:00-24:00"] if lines == always else lines


def _windows(line: str) -> list[Window]:
    day, _, hours = line.partition(" ")
    start, _, end = hours.partition("-")
    if day != "daily" and day not in _DAYS:
        raise Malformed(f"The schedule's {line!r} must begin with daily, {', '.join(_DAYS)}.")
    weekdays = range(7) if day == "daily" else [_DAYS.index(day)]
    return [Window(weekday, _minute(start), _minute(end)) for weekday in weekdays]


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and len(text) == len("00:00")):
        raise Malformed(f"{text!r} is not a time of day such as 06:30.")
    minute = int(hours) * _HOUR_MINUTES + int(minutes)
    if int(minutes) >= _HOUR_MINUTES or minute > DAY_MINUTES:
        raise Malformed(f"{text!r} is not a time of day such as 06:30.")
    return minute


def _time(minute: int) -> str:
    return f"{minute // _HOUR_MINUTES:02}:{minute % _HOUR_MINUTES:02}"
