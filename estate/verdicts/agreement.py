"""Who makes a quorum of two: different people, different organisations, and one portrait.

The reviewers compared the camera's picture with an enrolment picture (portrait). Two people who say
*match* of two different portraits have not said the same. A verdict of an earlier version does not
say which portrait was shown, and agrees with any.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final, TypeAlias

from formats.organisations import folded, organisation_key
from formats.recipients import Reviewer
from formats.verdict import Verdict

NEEDED: Final = 2
"""Different people whose verdicts make a decision (docs/design.md, P6)."""
Given: TypeAlias = tuple[Reviewer, Verdict]
"""A verdict whose signature was verified, with its author."""


def are_two(people: Iterable[Reviewer], *, two_organisations: bool) -> bool:
    """Return whether these are two people, and of two organisations if that is demanded."""
    these = list(people)
    names = {folded(each.name) for each in these}
    organisations = {organisation_key(each.organisation) for each in these}
    return len(names) >= NEEDED and (len(organisations) >= NEEDED or not two_organisations)


def of_one_portrait(
    given: Sequence[Given], *, two_organisations: bool
) -> tuple[Given, Given] | None:
    """Return the first two people's verdicts on the same portrait, or without any; None if none.

    Args:
        given: the verdicts on one event, in any order.
        two_organisations: whether the two must work for different organisations.
    """
    for one, other in combinations(given, 2):
        portraits = {one[1].portrait, other[1].portrait}
        apart = are_two((one[0], other[0]), two_organisations=two_organisations)
        if apart and (len(portraits) == 1 or None in portraits):
            return one, other
    return None
