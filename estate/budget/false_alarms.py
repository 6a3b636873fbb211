"""The false-alarm budget: Wald's sequential probability ratio test (SPRT) for every camera.

Null hypothesis: the false-positive identification rate (FPIR) is the policy's. Alternative: it is
`RATIO` times that. The test may be repeated after every verdict without larger errors. A camera
that keeps its budget is called broken with a chance of at most `FALSE_ALARM`. A camera that is
`RATIO` times over it is cleared with a chance of at most `MISSED`.

The unit is the passer-by who was compared with the list. The number comes from the camera's own
signed ledger. Passers-by in a ledger that was not imported yet do not count, so a missing ledger
can only make a camera look worse. A camera of an earlier version counted looks, several for each
passer-by. Its counts begin anew with its first period in passers-by. Before that it is broken or
undecided and never within: what breaks the budget by looks breaks it by passers-by as well. What
came before that period is known by the order of the camera's ledger, and not by any clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log
from typing import Final

from estate.errors import BooksRefused
from estate.verdicts.decisions import Outcome
from formats.budget import BudgetState, Unit
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
    """One camera's false alarms and compared passers-by, against its budget."""

    camera: bytes
    """(16,)"""
    false_alarms: int
    """Candidates that two people decided are no match."""
    compared: int
    """Passers-by, or looks, that the camera compared with the list."""
    fpir_ppm: int
    """The policy's budget, of passers-by."""
    unit: Unit = Unit.PASSERS_BY

    @property
    def state(self) -> BudgetState:
        """The result of Wald's test."""
        evidence = log_likelihood_ratio(self.false_alarms, self.compared, self.fpir_ppm / PPM)
        if evidence >= log((1 - MISSED) / FALSE_ALARM):
            return BudgetState.BROKEN
        if evidence <= log(MISSED / (1 - FALSE_ALARM)) and self.unit is Unit.PASSERS_BY:
            return BudgetState.WITHIN
        return BudgetState.UNDECIDED


def log_likelihood_ratio(false_alarms: int, compared: int, rate: float) -> float:
    """Return the logarithm of how much likelier the counts are at `RATIO` times the rate.

    Args:
        false_alarms: their number.
        compared: number of passers-by; at least as many as false alarms are assumed.
        rate: accepted share, above 0 and at most 1 / `RATIO`, or the budget cannot be broken.
    """
    worse = min(RATIO * rate, 1 - 1e-9)
    if worse <= rate:
        return 0.0
    passed = max(compared, false_alarms) - false_alarms
    return false_alarms * log(worse / rate) + passed * log((1 - worse) / (1 - rate))


@dataclass(slots=True)
class _Counted:
    """What one camera compared, and which events it sealed before it counted in this unit."""

    compared: int = 0
    unit: Unit = Unit.PASSERS_BY
    before: set[str] = field(default_factory=set)
    """Envelopes up to the last period in looks, for a camera that counts passers-by since."""


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
        since_utc_ms: what was decided or compared before is not counted.

    Raises:
        BooksRefused: the ledger has a decision on an event that never arrived.
        Malformed: a record lacks a member.
    """
    counted = _count_compared(cameras, since_utc_ms)
    sender: dict[str, bytes] = {}
    wrong: dict[bytes, int] = {}
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
            camera = sender[str(body["envelope"])]
            outcome = outcome_in(record)
            if body["envelope"] not in counted.get(camera, _Counted()).before:
                wrong[camera] = wrong.get(camera, 0) + (outcome is Outcome.NOT_A_MATCH)
    return [
        FalseAlarmCount(camera, wrong.get(camera, 0), each.compared, fpir_ppm, each.unit)
        for camera in sorted(set(wrong) | set(counted))
        for each in [counted.get(camera, _Counted())]
    ]


def _count_compared(
    cameras: Iterable[tuple[bytes, Record]], since_utc_ms: int
) -> dict[bytes, _Counted]:
    """Return what each camera compared: passers-by, or looks if it never counted passers-by."""
    counted: dict[bytes, _Counted] = {}
    sealed: dict[bytes, set[str]] = {}
    for camera, record in cameras:
        if record.event is Happening.EVENT_SEALED:
            sealed.setdefault(camera, set()).add(str(record.body.get("envelope")))
        if record.event is not Happening.PERIOD_END or record.utc_ms < since_utc_ms:
            continue
        unit = Unit.PASSERS_BY if Unit.PASSERS_BY in record.body else Unit.LOOKS
        found = counted.setdefault(camera, _Counted(unit=unit))
        if (found.unit, unit) == (Unit.LOOKS, Unit.PASSERS_BY):
            counted[camera] = found = _Counted(before=found.before)
        if unit is Unit.LOOKS:
            found.before |= sealed.pop(camera, set())
            if found.unit is Unit.PASSERS_BY:
                found.compared = 0  # An earlier version was put back: count from here again.
        if found.unit is unit:
            found.compared += count_in(record, unit)
    for each in counted.values():
        if each.unit is Unit.LOOKS:
            each.before = set()  # All of its false alarms count.
    return counted


def count_in(record: Record, name: str) -> int:
    """Return a count in a camera's record; 0 for what is no count, or is not there."""
    said = record.body.get(name, 0)
    return said if isinstance(said, int) and said > 0 else 0


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
