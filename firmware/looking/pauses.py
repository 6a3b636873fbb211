"""Pauses: rate limits for events of one entry (back-off) and for storms; the count held back.

An entry that was just reported pauses: it is found, counted and not reported. The pause grows while
the entry keeps being found, as a poster or a guard is, and begins anew once it was away
(docs/decisions/0020-pauses-of-an-entry.md). The next event says how many times the entry was held
back. An entry that has no pause is reported at once, also within a storm of events.

Pure: no clock and no disk is touched here; `firmware.looking.kept_pauses` keeps them over restarts.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from formats.event import HeldBack

PAUSE_S: Final = 30
"""Pause of an entry after its first event."""
LONGEST_PAUSE_S: Final = 3600
"""Each further event doubles the pause, up to this: an entry that is always found is reported each
hour."""
AWAY_S: Final = 1800
"""An entry that was not found for so long has no pause: it is reported at once, and begins anew."""
COUNT_KEPT_S: Final = 24 * 3600
"""An entry that was not found for so long is forgotten, with its count."""
ENTRIES_MOST: Final = 1000
"""Most entries that pause; the one that was away for longest is forgotten first."""
STORM: Final = 30
STORM_S: Final = 60
"""After so many events within so long, only entries without a pause make new ones. Two reviewers
cannot judge more than one in two seconds, and no storm may hide a first sighting."""


@dataclass(slots=True)
class Pause:
    """The pause of one entry; times are milliseconds since 1970, UTC."""

    reported_ms: int
    """When its latest event was made."""
    found_ms: int
    """When it was last found, reported or held back."""
    pause_s: int
    held_back: int = 0
    """How many times it was found since its latest event."""


@dataclass(slots=True)
class Pauses:
    """The pauses of all entries, and the latest events."""

    zero_utc_ms: int
    """Trusted time at which CLOCK_MONOTONIC of this boot stood at zero. A time server that sets the
    clock during a run changes no pause."""
    entries: dict[bytes, Pause] = field(default_factory=dict, repr=False)
    """By handle."""
    events_ms: deque[int] = field(default_factory=lambda: deque(maxlen=STORM))
    """When the latest events were made, oldest first."""

    def is_paused(self, handle: bytes, at_ns: int) -> bool:
        """Return whether an entry that is found now makes no event; `at_ns`: CLOCK_MONOTONIC."""
        at_ms, pause = self._utc_ms(at_ns), self.entries.get(handle)
        if pause is None or _is_over(pause, at_ms):
            return False
        return at_ms - pause.reported_ms < 1000 * pause.pause_s or self._storms(at_ms)

    def hold_back(self, handle: bytes, at_ns: int) -> None:
        """Count that a paused entry was found.

        Raises:
            KeyError: the entry does not pause.
        """
        pause = self.entries[handle]
        pause.held_back += 1
        pause.found_ms = self._utc_ms(at_ns)

    def held_back(self, handle: bytes, at_ns: int) -> HeldBack | None:
        """Return what the entry's next event says about it; None if nothing was held back."""
        pause = self.entries.get(handle)
        if pause is None or not pause.held_back or self._is_forgotten(pause, at_ns):
            return None
        return HeldBack(pause.held_back, pause.reported_ms // 1000)

    def begin(self, handle: bytes, at_ns: int) -> None:
        """Begin the pause after an event of this entry."""
        at_ms, before = self._utc_ms(at_ns), self.entries.pop(handle, None)
        grown = before is not None and not _is_over(before, at_ms)
        pause_s = min(2 * before.pause_s, LONGEST_PAUSE_S) if before and grown else PAUSE_S
        self.entries = {
            one: pause
            for one, pause in self.entries.items()
            if not self._is_forgotten(pause, at_ns)
        }
        if len(self.entries) >= ENTRIES_MOST:
            del self.entries[min(self.entries, key=lambda one: self.entries[one].found_ms)]
        self.entries[handle] = Pause(at_ms, at_ms, pause_s)
        self.events_ms.append(at_ms)

    def keep_only(self, handles: Iterable[bytes]) -> None:
        """Forget entries that are not among `handles`, the list's."""
        listed = set(handles)
        self.entries = {one: pause for one, pause in self.entries.items() if one in listed}

    def _storms(self, at_ms: int) -> bool:
        full = len(self.events_ms) == STORM
        return full and 0 <= at_ms - self.events_ms[0] < 1000 * STORM_S

    def _is_forgotten(self, pause: Pause, at_ns: int) -> bool:
        return not 0 <= self._utc_ms(at_ns) - pause.found_ms < 1000 * COUNT_KEPT_S

    def _utc_ms(self, at_ns: int) -> int:
        return self.zero_utc_ms + at_ns // 1_000_000


def _is_over(pause: Pause, at_ms: int) -> bool:
    """Return whether the entry was away; a pause of the future is of a clock that had run ahead."""
    return not 0 <= at_ms - pause.found_ms < 1000 * AWAY_S
