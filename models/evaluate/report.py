"""Report of the trials as plain JSON: every rate with its threshold, N, counts and interval."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.evaluate.cache import Rows
from models.evaluate.degradations import FAIR, GOOD, NONE, REFUSED, Degraded
from models.evaluate.trials import SEEN_MIN, Trial, interval, tracks_of, unit
from recognition.calibration import PPB, Calibration, Grade, threshold_for
from recognition.errors import ListNotServed
from recognition.template import PPM

Json: TypeAlias = dict[str, Any]

FALSE_MATCH_RATES: Final = (1e-2, 1e-3, 1e-4, 1e-5)
LIST_SIZES: Final = (7, 100, 1000)
FPIR: Final = 1e-3
"""One unlisted person in a thousand may be taken for a person on the list."""

CURVE_ENDS: Final = (0.3, 1e-5)
"""False-match rates at both ends of a DET curve."""

CURVE_POINTS: Final = 32


def verification(trial: Trial) -> list[Json]:
    """Return FNMR at each FMR, over all pairs."""
    rows = []
    for rate in FALSE_MATCH_RATES:
        threshold = trial.at_fmr(rate)
        rows.append({"fmr": rate, **_row(trial, threshold), "fmr_interval": _fmr(trial, threshold)})
    return rows


def identification(trial: Trial, rate: float = FPIR) -> list[Json]:
    """Return FNIR at one FPIR for each length of list, at the threshold with exactly this FPIR."""
    rows = []
    for size in LIST_SIZES:
        threshold = trial.at_fpir(rate, size)
        rows.append({"n": size, "fpir": rate, **_row(trial, threshold)})
    return rows


def as_calibrated(trial: Trial, calibration: Calibration, probe: Grade) -> list[Json]:
    """Return FNIR and FPIR at the thresholds that a camera would use for such probes."""
    rows: list[Json] = []
    for size in LIST_SIZES:
        try:
            chosen = threshold_for(calibration, size, round(FPIR * PPM), probe)
        except ListNotServed as refusal:
            rows.append({"probe": probe.value, "n": size, "refused": str(refusal)})
            continue
        threshold = chosen.score_ppm / PPM
        alarms = trial.fpir(threshold, size)
        rows.append(
            {
                "probe": probe.value,
                "n": size,
                "fpir_promised": chosen.predicted_fpir_ppb / PPB,
                "fpir": round(float(alarms.mean()), 7),
                "fpir_interval": _rounded(interval(alarms)),
                "unlisted_people": len(alarms),
                **_row(trial, threshold),
            }
        )
    return rows


def curve(trial: Trial) -> Json:
    """Return the DET curve: FNMR over FMR."""
    low, high = (trial.at_fmr(rate) for rate in CURVE_ENDS)
    thresholds = np.linspace(low, high, CURVE_POINTS).tolist()
    return {
        "threshold": [round(one, 5) for one in thresholds],
        "fmr": [float(f"{trial.fmr(one).mean():.3g}") for one in thresholds],
        "fnmr": [round(float(trial.fnmr(one).mean()), 5) for one in thresholds],
    }


def tracks(vectors: Rows, people: NDArray[np.int32]) -> Trial:
    """Return the trial whose probes are the means of `TRACK` pictures of one person each."""
    made_from = tracks_of(people, np.ones(len(people), np.bool_))
    probes = unit(vectors)[made_from].mean(axis=1)
    return Trial.of(vectors, people, probes=probes, made_from=made_from)


def other_population(
    probes: Rows, listed: Rows, people: NDArray[np.int32], calibration: Calibration
) -> list[Json]:
    """Return FPIR of people from another population, at the thresholds a camera would use.

    Args:
        probes: (n, dim), one picture of each of n people, all of them unlisted.
        listed: (pictures, dim), from which lists are drawn.
        people: (pictures,), the person of each.
        calibration: the rates of the scores.
    """
    beyond = np.arange(len(probes), dtype=np.int32) + people.max() + 1
    trial = Trial(unit(probes) @ unit(listed).T, beyond, people)
    rows = []
    for size, threshold in calibrated_thresholds(calibration).items():
        alarms = trial.fpir(threshold, size)
        rows.append(
            {
                "n": size,
                "threshold": threshold,
                "people": len(probes),
                "fpir": round(float(alarms.mean()), 7),
                "fpir_interval": _rounded(interval(alarms)),
            }
        )
    return rows


def losses(
    worse: Sequence[Degraded], listed: Rows, people: NDArray[np.int32], calibration: Calibration
) -> list[Json]:
    """Return what each degradation costs, at the threshold for a list of the first size.

    Args:
        worse: the outcomes at each step, the unchanged pictures first.
        listed: (pictures, dim), from which lists are drawn.
        people: (pictures,), the person of each.
        calibration: the rates of the scores.
    """
    threshold = calibrated_thresholds(calibration)[LIST_SIZES[0]]
    rows: list[Json] = []
    for one in worse:
        seen = one.outcomes > NONE
        trial = Trial.of(listed, people, probes=one.vectors[seen], made_from=one.made_from[seen])
        fmr = float(trial.fmr(threshold).mean())
        rows.append(
            {
                "kind": one.step.kind,
                "value": one.step.value,
                "unit": one.step.unit,
                "pictures": len(one.outcomes),
                "no_face": _share(one.outcomes == NONE),
                "refused": _share(one.outcomes == REFUSED),
                "fair": _share(one.outcomes == FAIR),
                "good": _share(one.outcomes == GOOD),
                "fnmr": round(float(trial.fnmr(threshold).mean()), 4),
                "fmr": float(f"{fmr:.3g}"),
                "fmr_times": round(fmr / rows[0]["fmr"], 2) if rows else 1.0,
                "threshold": threshold,
            }
        )
    return rows


def calibrated_thresholds(calibration: Calibration, probe: Grade = Grade.FAIR) -> dict[int, float]:
    """Return the threshold for each length of list that the calibration can serve."""
    thresholds = {}
    for size in LIST_SIZES:
        with suppress(ListNotServed):
            chosen = threshold_for(calibration, size, round(FPIR * PPM), probe)
            thresholds[size] = chosen.score_ppm / PPM
    return thresholds


def _share(which: NDArray[np.bool_]) -> float:
    return round(float(which.mean()), 4)


def _row(trial: Trial, threshold: float) -> Json:
    missed = trial.fnmr(threshold)
    seen = trial.seen(threshold)
    return {
        "threshold": round(threshold, 6),
        "fnmr": round(float(missed.mean()), 5),
        "fnmr_interval": _rounded(interval(missed)),
        "people_with_pairs": len(missed),
        "pairs": len(trial.mates[0]),
        "stranger_comparisons": int((~np.isnan(trial.strangers)).sum()),
        "stranger_comparisons_reaching": seen,
        "enough": seen >= SEEN_MIN,
    }


def _fmr(trial: Trial, threshold: float) -> list[float]:
    return _rounded(interval(trial.fmr(threshold)))


def _rounded(ends: tuple[float, float]) -> list[float]:
    return [float(f"{end:.3g}") for end in ends]
