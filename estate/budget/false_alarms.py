"""The false-alarm budget: Wald's sequential probability ratio test (SPRT) for every camera.

Null hypothesis: the false-positive identification rate (FPIR) is the policy's. Alternative: it is
`RATIO` times that. The test may be repeated after every verdict without larger errors. A camera
that keeps its budget is called broken with a chance of at most `FALSE_ALARM`. A camera that is
`RATIO` times over it is cleared with a chance of at most `MISSED`. The number of searched faces
comes from the camera's own signed ledger. Faces in a ledger that was not imported yet do not count,
so a missing ledger can only make a camera look worse.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import Final

from estate.errors import BooksRefused
from estate.verdicts.decisions import Outcome
from formats.budget import BudgetState
from formats.envelope_header import ID_BYTES
from formats.event import PPM
from formats.hexadecimal import read_hex
from formats.ledger import Happening, Record

FALSE_ALARM: Final = 0.01
"""Chance, at most, of stopping a camera that keeps its budget."""
MISSED: Final = 0.05
"""Chance, at most, of clearing a camera that is `RATIO` times over it."""
RATIO: Final = 2.0
"""A camera at this many times the policy's rate is over its budget."""


@dataclass(frozen=True, slots=True)
class FalseAlarmCount:
    """One camera's false alarms and searched faces, against its budget."""

    camera: bytes
    """(16,)"""
    false_alarms: int
    """Candidates that two people decided are no match."""
    searched: int
    """Faces that the camera compared with the list."""
    fpir_ppm: int
    """The policy's budget."""

    @property
    def state(self) -> BudgetState:
        """The result of Wald's test."""
        evidence = log_likelihood_ratio(self.false_alarms, self.searched, self.fpir_ppm / PPM)
        if evidence >= log((1 - MISSED) / FALSE_ALARM):
            return BudgetState.BROKEN
        if evidence <= log(MISSED / (1 - FALSE_ALARM)):
            return BudgetState.WITHIN
        return BudgetState.UNDECIDED


def log_likelihood_ratio(false_alarms: int, searched: int, rate: float) -> float:
    """Return the logarithm of how much likelier the counts are at `RATIO` times the rate.

    Args:
        false_alarms: their number.
        searched: number of searched faces; at least as many as false alarms are assumed.
        rate: accepted share, above 0 and at most 1 / `RATIO`, or the budget cannot be broken.
    """
    worse = min(RATIO * rate, 1 - 1e-9)
    if worse <= rate:
        return 0.0
    passed = max(searched, false_alarms) - false_alarms
    return false_alarms * log(worse / rate) + passed * log((1 - worse) / (1 - rate))


def count_false_alarms(
    estate: Iterable[Record],
    cameras: Iterable[tuple[bytes, Record]],
    fpir_ppm: int,
    since_utc_ms: int = 0,
) -> list[FalseAlarmCount]:
    """Return the counts of every camera that ever sent an event or a ledger.

    Args:
        estate: the estate's own records.
        cameras: every camera's records, with its id.
        fpir_ppm: the policy's budget.
        since_utc_ms: what was decided or searched before is not counted.

    Raises:
        BooksRefused: the ledger has a decision on an event that never arrived.
        Malformed: a record lacks a member.
    """
    sender: dict[str, bytes] = {}
    wrong: dict[bytes, int] = {}
    searched: dict[bytes, int] = {}
    for record in estate:
        body = record.body
        if record.event is Happening.STORED:
            camera = read_hex(body["camera"], ID_BYTES)
            sender[str(body["envelope"])] = camera
            if record.utc_ms >= since_utc_ms:
                wrong.setdefault(camera, 0)
        elif record.event is Happening.DECISION and record.utc_ms >= since_utc_ms:
            if body["envelope"] not in sender:
                raise BooksRefused(
                    "The ledger has a decision on an event that never arrived: keep the store as "
                    "evidence."
                )
            camera, outcome = sender[str(body["envelope"])], outcome_in(record)
            wrong[camera] = wrong.get(camera, 0) + (outcome is Outcome.NOT_A_MATCH)
    for camera, record in cameras:
        if record.event is Happening.PERIOD_END and record.utc_ms >= since_utc_ms:
            searched[camera] = searched.get(camera, 0) + int(record.body.get("searched", 0))
    known = sorted(set(wrong) | set(searched))
    return [FalseAlarmCount(c, wrong.get(c, 0), searched.get(c, 0), fpir_ppm) for c in known]


def outcome_in(record: Record) -> Outcome:
    """Return what a record of a decision says was decided.

    Raises:
        BooksRefused: no decision ends so.
    """
    try:
        return Outcome(str(record.body["outcome"]))
    except ValueError as error:
        raise BooksRefused(
            f"Record {record.seq} of the ledger has an outcome that no decision has: keep the "
            "store as evidence."
        ) from error
