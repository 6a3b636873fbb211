"""Hours of light and of looking: time spans from the ledgers of `lampguard` and `watch`.

`lampguard` records when the lamp was lit and under which leases. `watch` records when it looked and
under which lease. Lengths are by the monotonic clock, which cannot be set. The day is the one on
which a span began, by the camera's own clock. A span without a record of its end is counted, and
adds no hours: the program was killed, or the ledger was imported before the span ended.
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
    """One span of light, or of looking."""

    begin: Record
    end: Record | None = None
    leases: set[str] = field(default_factory=set)

    @property
    def hours(self) -> float:
        """Its length; 0 if its end is not recorded, or lies in another boot."""
        return (self.end_ns - self.begin.mono_ns) / HOUR_NS

    @property
    def end_ns(self) -> int:
        """CLOCK_MONOTONIC of its end; of its begin if it has no end, or one in another boot."""
        return max(self.begin.mono_ns, self.end.mono_ns if self.end else 0)

    def by_day(self) -> Iterator[tuple[date, float]]:
        """Yield each of its days, UTC, with the hours on that day."""
        at, left_h = datetime.fromtimestamp(self.begin.utc_ms / 1000, UTC), self.hours
        while left_h > 0:
            midnight = datetime.combine(at.date() + timedelta(days=1), datetime.min.time(), UTC)
            today_h = min(left_h, (midnight - at) / timedelta(hours=1))
            yield at.date(), today_h
            at, left_h = midnight, left_h - today_h


def lit_spans(records: Iterable[Record]) -> list[Span]:
    """Return the spans of light in one lamp guard's ledger."""
    spans: list[Span] = []
    lit: Span | None = None
    for record in records:
        if record.event is Happening.START:
            lit = None  # The guard before it was killed: the lamp's end is not recorded.
        elif record.event is Happening.LAMP and record.body["to"] in SHINING:
            if lit is None:
                spans.append(lit := Span(record))
            lit.leases |= {str(record.body["lease_id"])} if "lease_id" in record.body else set()
        elif lit is not None and record.event in {Happening.LAMP, Happening.STOP}:
            lit.end, lit = record, None
    return spans


def looking_spans(records: Iterable[Record]) -> list[Span]:
    """Return the periods of use in one `watch`'s ledger, each with its lease."""
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
    """Return a period's hours in the light of its lease; None if no guard granted the lease."""
    granted = [span for span in light if span.leases & looking.leases and span.end is not None]
    if not granted or looking.end is None:
        return None
    return sum(_overlap_h(looking, span) for span in granted)


def _overlap_h(first: Span, second: Span) -> float:
    begin_ns = max(first.begin.mono_ns, second.begin.mono_ns)
    return max(0, min(first.end_ns, second.end_ns) - begin_ns) / HOUR_NS
