"""Which waiting events were not sent yet: a queue, so that the folder is not listed in each round.

Events have consecutive numbers, so a new one is found by asking for the next name. The folder is
listed when a connection begins, until there is a first event, and every ten seconds after it has
changed: for the case that
`watch` has left out a number, and to forget what is gone.

A folder's time of change is as coarse as the kernel's clock. So the folder is listed until its time
was the same twice.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from firmware.delivery.names import number_of
from firmware.delivery.waiting import WaitingEvents

LIST_S: Final = 10.0
"""Time between two listings of the folder."""


@dataclass(slots=True)
class Unsent:
    """The queue of names, oldest event first."""

    outbox: WaitingEvents
    _queue: deque[str] = field(default_factory=deque)
    _newest: int = 0
    """Number of the newest event that was found."""
    _listed_s: float = float("-inf")
    """CLOCK_MONOTONIC."""
    _stamp: int = -1
    """When the folder was changed last, as of the last listing."""
    _sure: bool = False
    """Whether the time was the same at the listing before."""

    def look(self) -> set[str] | None:
        """Look for new events. Return all names if the folder was listed, else None.

        Raises:
            ForeignFile: the folder is none, or holds too many names.
        """
        # An empty outbox has no number to go on from. It costs little to ask when it was changed.
        due = not self._newest or time.monotonic() - self._listed_s >= LIST_S
        listed = self._list() if due else None
        while self._newest and self.outbox.holds(name := f"{self._newest + 1:012d}"):
            self._newest += 1
            self._queue.append(name)
        return listed

    def names(self, settled: Callable[[str], bool]) -> Iterator[str]:
        """Yield the queued names, without those that are settled; forget these at its head."""
        while self._queue and settled(self._queue[0]):
            self._queue.popleft()
        return (name for name in self._queue if not settled(name))

    def drop(self, name: str) -> None:
        """Forget an event that is gone."""
        if name in self._queue:
            self._queue.remove(name)

    def put_back(self, names: list[str]) -> None:
        """Queue events that must be sent once more."""
        here = set(self._queue)
        self._queue.extendleft(name for name in reversed(names) if name not in here)

    def start_over(self) -> None:
        """Forget all: on a new connection each waiting event is sent again."""
        self._queue.clear()
        self._listed_s, self._newest, self._stamp = float("-inf"), 0, -1

    def _list(self) -> set[str] | None:
        self._listed_s = time.monotonic()
        stamp = self.outbox.changed_ns()
        if stamp == self._stamp and self._sure:
            return None
        self._sure, self._stamp = stamp == self._stamp, stamp
        names = self.outbox.names()
        self._queue = deque(names)
        self._newest = max((number_of(name) or 0 for name in names), default=self._newest)
        return set(names)
