"""Events that were sent and are not receipted yet: when each is sent again (retry, back-off).

An event flies from the moment at which it was handed to the broker until it is due again. Each
question takes the same time, however many events fly: they are found by name, by digest and by
message number, and those that are due are kept in the order of their time.

Nothing is sent here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import Final

RETRY_S: Final = (10.0, 300.0)
"""Retry of an event that a receiver got and did not receipt: sent again after the first time, which
doubles each time up to the second."""
NO_RECEIVER_S: Final = (0.25, 10.0)
"""Retry of an event that reached no receiver: soon enough for a receiver that is just starting, and
no flood for one that is absent."""
DOUBLINGS: Final = 6
"""Most doublings of a wait: enough to reach the longest wait."""


@dataclass(frozen=True, slots=True)
class Flight:
    """One event that was sent and is not receipted yet."""

    name: str
    digest: bytes
    number: int
    """Of the message on this connection."""
    again_s: float
    """CLOCK_MONOTONIC from which on it is sent again."""
    tries: int = 1
    """How often it was sent on this connection."""


@dataclass(slots=True)
class Flights:
    """The events handed to the broker on this connection and not receipted yet."""

    _by_name: dict[str, Flight] = field(default_factory=dict)
    _by_digest: dict[bytes, str] = field(default_factory=dict)
    _by_number: dict[int, str] = field(default_factory=dict)
    _times: list[tuple[float, str]] = field(default_factory=list)
    """A heap of the times at which events are due; of an event that was sent again the old one
    counts for nothing."""
    _due: dict[str, None] = field(default_factory=dict)
    """Names of those that are due, the one that has waited longest first."""

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[Flight]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Flight | None:
        """Return the flight of an event, or None."""
        return self._by_name.get(name)

    def add(self, flight: Flight) -> None:
        """Note that an event was sent, in place of what was noted of it before."""
        self.remove(flight.name)
        self._by_name[flight.name] = flight
        self._by_digest[flight.digest] = self._by_number[flight.number] = flight.name
        heappush(self._times, (flight.again_s, flight.name))

    def remove(self, name: str) -> None:
        """Forget an event, if it was sent."""
        flight = self._by_name.pop(name, None)
        self._due.pop(name, None)
        if flight is not None:
            self._by_digest.pop(flight.digest, None)
            self._by_number.pop(flight.number, None)

    def clear(self) -> None:
        """Forget all: the connection has ended."""
        for kept in (self._by_name, self._by_digest, self._by_number, self._times, self._due):
            kept.clear()

    def land(self, now_s: float) -> int:
        """Note which events are due at `now_s`; return how many still fly."""
        while self._times and self._times[0][0] <= now_s:
            again_s, name = heappop(self._times)
            flight = self._by_name.get(name)
            if flight is not None and flight.again_s == again_s:
                self._due[name] = None
        return len(self._by_name) - len(self._due)

    def due(self) -> Iterator[str]:
        """Yield the names of the events to send again, the one that has waited longest first."""
        return iter(self._due)

    def of_message(self, number: int) -> Flight | None:
        """Return the event that was sent as this message, or None."""
        return self._by_name.get(self._by_number.get(number, ""))

    def of_envelope(self, digest: bytes) -> Flight | None:
        """Return the event with this digest, or None."""
        return self._by_name.get(self._by_digest.get(digest, ""))

    def postpone(self, flight: Flight, again_s: float) -> None:
        """Send an event again at another time."""
        self.add(replace(flight, again_s=again_s))


def wait_before(bounds: tuple[float, float], tries: int) -> float:
    """Return the seconds until an event that was sent `tries` times is sent again."""
    return min(bounds[1], bounds[0] * (1 << min(tries - 1, DOUBLINGS)))
