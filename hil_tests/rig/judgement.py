"""Judges from outside whether each look was in the light, by edges of lamp current.

The bounds are those of the promise P1 in docs/design.md.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hil_tests.rig.contract import Edge, Look

LATE_MS: Final = 250
"""Longest time from the loss of light to the begin of a look (docs/design.md, P1)."""
EARLY_MS: Final = 60
"""Least light before the first look (docs/design.md, P1)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict over the looks of a run."""

    looks: int
    outside: int
    """Looks that began more than `LATE_MS` after the light was lost, or before any light."""
    late_ms: float
    """Longest time from the loss of light to the begin of a look; 0 when none was late."""
    early_ms: float
    """Shortest light before a look."""

    def __str__(self) -> str:
        return (
            f"{self.looks} looks, {self.outside} outside the light; shortest light before a look "
            f"{self.early_ms:.0f} ms (at least {EARLY_MS}), longest look after its loss "
            f"{self.late_ms:.0f} ms (at most {LATE_MS})"
        )


def judge(current: Sequence[Edge], looks: Sequence[Look]) -> Verdict:
    """Return the verdict over all looks."""
    times = [edge.at_ns for edge in current]
    outside, late_ms, early_ms = 0, 0.0, float("inf")
    for look in looks:
        at = bisect_right(times, look.begin_ns) - 1
        if at < 0 or (at == 0 and not current[at].high):  # There was no light yet.
            outside += 1
            continue
        since_ms = (look.begin_ns - current[at].at_ns) / 1e6
        if current[at].high:
            early_ms = min(early_ms, since_ms)
        else:
            late_ms = max(late_ms, since_ms)
            outside += since_ms > LATE_MS
    return Verdict(len(looks), outside, late_ms, early_ms)
