"""When lamps shone and cameras looked: spans of time from the ledgers of the two who know.

`lampguard` says when the lamp was lit and under which leases, `watch` when it looked and under
which lease. Lengths are of the monotonic clock, which nobody can set; the day is the one on which a
span began by the camera's own clock. A span whose end nobody wrote down, because the program was
killed or the ledger was taken in before it ended, counts for nothing but its number.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from formats.ledger import Happening, Record

SHINING: Final = frozenset({"arming", "on", "hold"})
"""States of the lamp in which it is lit (`firmware.guard.interlock.LIT`)."""
HOUR_NS: Final = 3.6e12
DAY_H: Final = 24.0


@dataclass(slots=True)
class Span:
    """One stretch of light, or of looking."""

    begin: Record
    end: Record | None = None
    leases: set[str] = field(default_factory=set)

    @property
    def hours(self) -> float:
        """How long it was; 0 if nobody wrote down its end, or it lies in another boot."""
        return (self.end_ns - self.begin.mono_ns) / HOUR_NS

    @property
    def end_ns(self) -> int:
        """CLOCK_MONOTONIC of its end; of its begin if it has none, or one in another boot."""
        return max(self.begin.mono_ns, self.end.mono_ns if self.end else 0)

    def by_day(self) -> Iterator[tuple[date, float]]:
        """Every day of it, UTC, with its hours."""
        at, left_h = datetime.fromtimestamp(self.begin.utc_ms / 1000, UTC), self.hours
        while left_h > 0:
            midnight = datetime.combine(at.date() + timedelta(days=1), datetime.min.time(), UTC)
            today_h = min(left_h, (midnight - at) / timedelta(hours=1))
            yield at.date(), today_h
            at, left_h = midnight, left_h - today_h


def lit_spans(records: Iterable[Record]) -> list[Span]:
    """The stretches of light in one guard's ledger."""
    spans: list[Span] = []
    lit: Span | None = None
    for record in records:
        if record.event is Happening.START:
            lit = None  # The guard before it was killed: when its lamp went out, nobody wrote.
        elif record.event is Happening.LAMP and record.body["to"] in SHINING:
            if lit is None:
                spans.append(lit := Span(record))
            lit.leases |= {str(record.body["lease_id"])} if "lease_id" in record.body else set()
        elif lit is not None and record.event in {Happening.LAMP, Happening.STOP}:
            lit.end, lit = record, None
    return spans


def looking_spans(records: Iterable[Record]) -> list[Span]:
    """The periods of use in one `watch`'s ledger, each with its lease."""
    spans: list[Span] = []
    looking: Span | None = None
    for record in records:
        if record.event is Happening.START:
            looking = None
        elif record.event is Happening.PERIOD_BEGIN:
            looking = Span(record, leases={str(record.body.get("lease_id", ""))})
            spans.append(looking)
        elif record.event is Happening.PERIOD_END and looking is not None:
            looking.end, looking = record, None
    return spans


def hours_in_light(looking: Span, light: Iterable[Span]) -> float | None:
    """Hours of a period that lie in the light of its own lease; None if no guard granted it."""
    granted = [span for span in light if span.leases & looking.leases and span.end is not None]
    if not granted or looking.end is None:
        return None
    return sum(_overlap(looking, span) for span in granted)


def _overlap(one: Span, other: Span) -> float:
    begin_ns = max(one.begin.mono_ns, other.begin.mono_ns)
    return max(0, min(one.end_ns, other.end_ns) - begin_ns) / HOUR_NS
