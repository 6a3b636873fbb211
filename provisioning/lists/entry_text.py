"""An entry of the list as text for people who sign, review or show it: no name and no face.

Days and moments are UTC.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from formats.counts import counted
from formats.entry import Entry
from provisioning.errors import EntryRefused

YEARS: Final = range(2020, 2100)
"""Years of the days that a list can name: `formats.strict_json.UTC_LOW_S` to `UTC_HIGH_S`."""


def describe_entry(entry: Entry) -> str:
    """Return every fact of an entry that a person must know before signing it, over some lines."""
    flags = [word for word, is_set in _flags(entry) if is_set]
    ends = last_day(entry.expires_utc_s)
    return "\n".join(
        [
            f"Entry {entry.handle.hex()}{': ' if flags else ''}{' and '.join(flags)}",
            f"    {entry.category}, {entry.legal_basis}",
            f"    asked for by {entry.requested_by}, {entry.organisation}",
            f"    approved by {entry.approved_by}",
            f"    because: {entry.necessity}",
            f"    {_pictures(entry)} from: {entry.source}",
            f"    until {ends}, reviewed by {last_day(entry.review_utc_s)}",
        ]
    )


def entry_line(entry: Entry) -> str:
    """Return one line for an entry that does not change."""
    until = last_day(entry.review_utc_s)
    return f"Entry {entry.handle.hex()}, {entry.category}, {entry.organisation}, until {until}"


def picture_count(entry: Entry) -> str:
    """Return how many pictures the templates of an entry come from."""
    return counted(len(entry.pictures), "picture")


def last_day(utc_s: int) -> str:
    """Return the day that ends at a midnight, such as `2026-12-20`; for other times the moment."""
    end = datetime.fromtimestamp(utc_s, UTC)
    if (end.hour, end.minute, end.second) == (0, 0, 0):
        return f"{end - timedelta(days=1):%Y-%m-%d}"
    return f"{end:%Y-%m-%d %H:%M} UTC"


def end_of_day(day: datetime) -> int:
    """Return the end of a day as seconds UTC: the other way round than `last_day`.

    Raises:
        EntryRefused: no list can name so early or so late a day.
    """
    if day.year not in YEARS:
        raise EntryRefused(
            f"{day.date()} is no day of a list: give one from {YEARS[0]} to {YEARS[-1]}."
        )
    return int((day.replace(tzinfo=UTC) + timedelta(days=1)).timestamp())


def _pictures(entry: Entry) -> str:
    count = "picture" if len(entry.pictures) == 1 else f"{len(entry.pictures)} pictures"
    return f"{count}, one kept for the reviewers," if entry.picture_kept else count


def _flags(entry: Entry) -> tuple[tuple[str, bool], ...]:
    return (("MINOR", entry.minor), ("VULNERABLE", entry.vulnerable))
