"""The schedule of a policy: windows of weekday and minutes, in UTC, when recognition may run."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from formats.errors import Malformed
from formats.strict_json import Fields, JsonValue

DAY_MINUTES: Final = 24 * 60
"""Minutes of a day."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window of one weekday, UTC, in which recognition may run."""

    weekday: int
    """0 is Monday."""
    from_minute: int
    """Minute of the day, included."""
    until_minute: int
    """Minute of the day, not included; at most 1440."""

    def __post_init__(self) -> None:
        if self.from_minute >= self.until_minute:
            raise Malformed("A window of the schedule ends before it begins.")

    def contains(self, now: datetime) -> bool:
        """Return whether `now`, a moment in UTC, is in the window."""
        minute = now.hour * 60 + now.minute
        return self.weekday == now.weekday() and self.from_minute <= minute < self.until_minute


def write_window(window: Window) -> JsonValue:
    """Return the one spelling of a window."""
    return {
        "from_minute": window.from_minute,
        "until_minute": window.until_minute,
        "weekday": window.weekday,
    }


def read_window(fields: Fields) -> Window:
    """Read a window.

    Raises:
        Malformed: it is outside a day, or ends before it begins.
    """
    return Window(
        weekday=fields.integer("weekday", high=6),
        from_minute=fields.integer("from_minute", high=DAY_MINUTES - 1),
        until_minute=fields.integer("until_minute", low=1, high=DAY_MINUTES),
    )
