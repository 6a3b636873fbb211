"""Fairness between groups: compares error rates by their 95 % intervals and the four-fifths rule.

Groups come from trials with volunteers; cameras and reviewers record no groups. The report says
that the rates differ if the intervals of the worst and the best group do not touch. It says that
they are alike only if even the far ends of the intervals lie within four fifths of each other. In
all other cases it says that the counts are insufficient.
"""

from collections.abc import Mapping
from typing import Final

from estate.report.intervals import Share

ALIKE: Final = 1.25
"""Largest ratio of worst to best rate that is called alike: the four-fifths rule."""
MANY: Final = 10
"""A larger ratio than this is not given exactly."""
FEW: Final = 2
"""Least number of groups for a comparison."""


def compare_groups(groups: Mapping[str, Share]) -> str:
    """Return one sentence about the worst and the best group; empty if there are not two."""
    rated = [(name, *each.bounds) for name, each in groups.items() if each.of]
    if len(rated) < FEW:
        return ""
    worst = max(rated, key=lambda each: groups[each[0]].rate)
    best = min(rated, key=lambda each: groups[each[0]].rate)
    names = f"{worst[0]} and {best[0]}"
    if worst[1] > best[2]:
        at_least = worst[1] / best[2]
        return (
            f"The rates differ: {worst[0]} has at least {at_least:.1f} times the errors of "
            f"{best[0]}; their intervals do not touch."
        )
    could_be = worst[2] / best[1] if best[1] else None
    if could_be is not None and could_be <= ALIKE:
        return (
            f"The rates are alike: even at the ends of their intervals {names} differ by less "
            f"than {could_be - 1:.0%}."
        )
    known = could_be is not None and could_be < MANY
    most = f"{could_be:.1f} times the" if known else f"more than {MANY} times the"
    return (
        f"Insufficient: by these counts {worst[0]} could have as many errors as {best[0]}, or "
        f"{most} errors. More trials are needed before this can be called fair."
    )
