"""A budget for being wrong: whether a camera's confirmed false alarms still fit the policy's rate.

Wald's sequential test. Null hypothesis: the false-positive identification rate is the policy's;
alternative: it is `RATIO` times that. It may be looked at after every verdict without inflating
its errors: a camera that keeps its budget is called broken with a chance of at most `FALSE_ALARM`,
and one that is `RATIO` times over it escapes with a chance of at most `MISSED`. How many faces were
searched comes from the camera's own signed ledger; what was not taken in yet counts as not
searched, so missing ledgers make a camera look worse, never better.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import Final

from estate.verdicts.decisions import Outcome
from formats.budget import BudgetState
from formats.event import PPM
from formats.ledger import Happening, Record

FALSE_ALARM: Final = 0.01
"""Chance, at most, of stopping a camera that keeps its budget."""
MISSED: Final = 0.05
"""Chance, at most, of clearing a camera that is `RATIO` times over it."""
RATIO: Final = 2.0
"""What counts as over the budget."""


@dataclass(frozen=True, slots=True)
class FalseAlarmCount:
    """One camera's false alarms against its budget."""

    camera: bytes
    """(16,)"""
    false_alarms: int
    """Candidates that two people said were no match."""
    searched: int
    """Faces that the camera compared with the list."""
    fpir_ppm: int
    """The policy's budget."""

    @property
    def state(self) -> BudgetState:
        """What Wald's test says."""
        evidence = log_likelihood_ratio(self.false_alarms, self.searched, self.fpir_ppm / PPM)
        if evidence >= log((1 - MISSED) / FALSE_ALARM):
            return BudgetState.BROKEN
        if evidence <= log(MISSED / (1 - FALSE_ALARM)):
            return BudgetState.WITHIN
        return BudgetState.UNDECIDED


def log_likelihood_ratio(false_alarms: int, searched: int, rate: float) -> float:
    """How much likelier the counts are at `RATIO` times the rate than at the rate, as a logarithm.

    Args:
        false_alarms: how many.
        searched: of how many faces; at least as many as false alarms are assumed.
        rate: accepted share, above 0 and at most 1 / `RATIO`, or it can never be broken.
    """
    worse = min(RATIO * rate, 1 - 1e-9)
    if worse <= rate:
        return 0.0
    passed = max(searched, false_alarms) - false_alarms
    return false_alarms * log(worse / rate) + passed * log((1 - worse) / (1 - rate))


def count_false_alarms(
    estate: Iterable[Record], cameras: Iterable[tuple[bytes, Record]], fpir_ppm: int
) -> list[FalseAlarmCount]:
    """Return the account of every camera that ever sent an event or a ledger.

    Args:
        estate: the estate's own records.
        cameras: every camera's records, with its id.
        fpir_ppm: the policy's budget.
    """
    sender: dict[str, bytes] = {}
    wrong: dict[bytes, int] = {}
    searched: dict[bytes, int] = {}
    for record in estate:
        body = record.body
        if record.event is Happening.STORED:
            camera = bytes.fromhex(str(body["camera"]))
            sender[str(body["envelope"])] = camera
            wrong.setdefault(camera, 0)
        elif record.event is Happening.DECISION and body["outcome"] == Outcome.NOT_A_MATCH:
            camera = sender[str(body["envelope"])]
            wrong[camera] = wrong.get(camera, 0) + 1
    for camera, record in cameras:
        if record.event is Happening.PERIOD_END:
            searched[camera] = searched.get(camera, 0) + int(record.body.get("searched", 0))
    known = sorted(set(wrong) | set(searched))
    return [FalseAlarmCount(c, wrong.get(c, 0), searched.get(c, 0), fpir_ppm) for c in known]
