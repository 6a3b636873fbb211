"""Backoff: how long to wait before the next attempt to connect; doubles with every failure.

The wait is drawn between the shortest wait and a limit, so that a fleet that lost its broker does
not reconnect all at once. The limit doubles with every failure, up to the longest wait. It falls
back to its start only by `reset`: the connection decides what counts as a success.
"""

import secrets
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """The waits between attempts; the first attempt is due at once."""

    shortest_s: float = 1.0
    longest_s: float = 120.0
    _limit_s: float = field(init=False)
    _next_attempt_s: float = 0.0
    """CLOCK_MONOTONIC."""

    def __post_init__(self) -> None:
        self.reset()

    def due(self) -> bool:
        """Return whether the wait is over."""
        return time.monotonic() >= self._next_attempt_s

    def wait(self) -> float:
        """Begin a wait, and double the limit of the next one; return its length in seconds."""
        share = secrets.randbelow(1001) / 1000
        wait_s = self.shortest_s + share * (self._limit_s - self.shortest_s)
        self._next_attempt_s = time.monotonic() + wait_s
        self._limit_s = min(2 * self._limit_s, self.longest_s)
        return wait_s

    def reset(self) -> None:
        """Let the next wait be a short one."""
        self._limit_s = min(2 * self.shortest_s, self.longest_s)

    def skip(self) -> None:
        """End the wait: the next attempt is due now."""
        self._next_attempt_s = 0.0
