"""Backoff of a console whose store is away: one warning, growing pauses, and it goes on by itself.

A database that is restarted, or that another program locks, ends nothing: the console waits. What a
reviewer signs meanwhile is not stored, and the page says so.
"""

import logging
from dataclasses import dataclass
from typing import Final

AWAY: Final = (
    "The store does not answer: this console waits and goes on by itself. What you sign meanwhile "
    "is not stored; sign it again then. It counts once."
)
LONGEST_S: Final = 15.0
"""Longest pause between two attempts: a person waits at the screen."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class StoreWait:
    """Whether the store is away, and how long to wait before it is asked again."""

    usual_s: float
    """Time between two queries of a store that answers."""
    away: bool = False
    _pause_s: float = 0.0

    def begin(self, why: Exception) -> None:
        """Note that the store does not answer, and say so once."""
        if not self.away:
            log.warning("%s This console waits until it answers again.", why)
            self.away, self._pause_s = True, self.usual_s

    def end(self) -> None:
        """Note that the store answers."""
        if self.away:
            log.warning("The store answers again.")
            self.away = False

    def next_s(self) -> float:
        """Return the time until the next query; it doubles while the store is away."""
        if not self.away:
            return self.usual_s
        self._pause_s = min(2 * self._pause_s, LONGEST_S)
        return self._pause_s
