"""Calibration: false-match rate of each score, and the threshold for a list and its budget.

`models.evaluate.calibrate` measures the rates on pairs of different people with the shipped net.
They hold for people like those in the set of pictures, which the table names. People of one group
are taken for each other more often than people at large. So a threshold keeps the budget also where
all people, on the list and in the street, are of the worst group that was measured. It is chosen by
the upper end of the 95 % interval, never by the point estimate, and never outside the table. It
promises nothing for a group that was not measured.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from recognition.errors import ListNotServed
from recognition.quality import ENROLMENT, MATCHING, Quality, shortfalls

PPB = 1_000_000_000

UNMEASURED_TIMES_CENTI: Final = 800
"""The worst group's factor where none was measured, in hundredths: with the embedder of version 0.2
lists of Black people kept the budget from 8 on (decision 0034)."""


class Grade(Enum):
    """The quality of a probe that may be compared."""

    GOOD = "good"
    """It passes the bounds for a list's portrait."""
    FAIR = "fair"
    """It passes the bounds for a passer-by."""
    FUSED = "fused"
    """Three pictures of one person, each at least fair, added up to one template."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One row: the share of pairs of different people that reach a score."""

    score_ppm: int
    """Cosine in millionths."""
    fmr_ppb: int
    """False-match rate in billionths, as counted."""
    upper_ppb: int
    """Upper end of its 95 % interval, in billionths."""


@dataclass(frozen=True, slots=True)
class Groups:
    """How much more often people of one group are taken for each other than people at large."""

    times_centi: int
    """False-match rate within the worst group over that of all people, in hundredths, 100 or more;
    the highest at any score, over all groups and sets, rounded up."""
    worst: str
    """That group, its set and its size, in one line."""
    measured: str
    """Every group that was measured, in one line."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The table of false-match rates of one embedder on one runtime."""

    embedder_digest: bytes
    """SHA-256 of the net it was measured with."""
    runtime: str
    pictures: str
    """The set, in one line."""
    pairs: int
    """Pairs of different people that were compared."""
    command: str
    """The command that measures it again."""
    rates: tuple[Rate, ...]
    """Of all probes but fused ones, by rising score; never below the rate of one grade alone."""
    good: tuple[Rate, ...] = ()
    """Of probes of grade GOOD; empty if they were not measured apart."""
    fused: tuple[Rate, ...] = ()
    """Of probes of grade FUSED; empty if they were not measured."""
    groups: Groups | None = None
    """None if no group was measured: `UNMEASURED_TIMES_CENTI` holds."""

    @property
    def times_centi(self) -> int:
        """The factor from all people to the worst group, in hundredths."""
        return self.groups.times_centi if self.groups else UNMEASURED_TIMES_CENTI


@dataclass(frozen=True, slots=True)
class Threshold:
    """The score that a camera demands, and the false alarms that it predicts."""

    score_ppm: int
    fmr_ppb: int
    """Upper bound of the false-match rate of all people, in billionths."""
    mixed_fpir_ppb: int
    """Upper bound of the share of passers-by taken for a person on the list, in billionths: on
    average over all people and over lists of all people."""
    predicted_fpir_ppb: int
    """The same where list and passers-by are of the worst group measured; the budget binds it."""


def grade(quality: Quality) -> Grade | None:
    """Return the grade of a face; None: it must not be compared."""
    if not shortfalls(quality, ENROLMENT):
        return Grade.GOOD
    return None if shortfalls(quality, MATCHING) else Grade.FAIR


def threshold_for(
    calibration: Calibration, list_size: int, fpir_ppm: int, probe: Grade = Grade.FAIR
) -> Threshold:
    """Return the lowest threshold that keeps a list of one group within its budget.

    Args:
        calibration: the rates of the net's scores, and the factor of the worst group.
        list_size: templates on the list, 1 or more; each template of a person counts.
        fpir_ppm: the false-positive identification rate that policy accepts, in millionths.
        probe: the lowest grade of probe that will be compared with this threshold.

    Raises:
        ListNotServed: even the highest calibrated score has too many false alarms, or fused
            probes were never calibrated.
    """
    times_centi = calibration.times_centi
    served = [_threshold(rate, times_centi, list_size) for rate in _rates(calibration, probe)]
    fitting = [one for one in served if one.predicted_fpir_ppb <= fpir_ppm * 1000]
    if not fitting:
        best = min(served, key=lambda one: one.predicted_fpir_ppb)
        group_ppm, mixed_ppm = best.predicted_fpir_ppb / 1000, best.mixed_fpir_ppb / 1000
        raise ListNotServed(
            f"A list of {list_size} cannot be served: policy accepts {fpir_ppm} false alarms in a "
            f"million passers-by, and the calibration can promise {group_ppm:.0f} at best where "
            f"all are of one group, {mixed_ppm:.0f} on average. Shorten the list, or raise what "
            "the policy accepts."
        )
    return min(fitting, key=lambda one: one.score_ppm)


def _rates(calibration: Calibration, probe: Grade) -> tuple[Rate, ...]:
    if probe is Grade.FUSED:
        if not calibration.fused:
            raise ListNotServed("These nets are not calibrated for fused probes: calibrate anew.")
        return calibration.fused
    return calibration.good if probe is Grade.GOOD and calibration.good else calibration.rates


def _threshold(rate: Rate, times_centi: int, list_size: int) -> Threshold:
    # Rounded up, so that a rounding never loosens the promise.
    group_ppb = min(PPB, -(-rate.upper_ppb * times_centi // 100))
    mixed, group = (_fpir_ppb(one, list_size) for one in (rate.upper_ppb, group_ppb))
    return Threshold(rate.score_ppm, rate.upper_ppb, mixed, group)


def _fpir_ppb(fmr_ppb: int, list_size: int) -> int:
    """Return 1 - (1 - FMR)^N, rounded up."""
    fpir = 1 - (1 - fmr_ppb / PPB) ** list_size
    return min(PPB, int(fpir * PPB) + 1)
