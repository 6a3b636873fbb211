"""Groups: FMR, FPIR, FNIR, refusals and detection by gender and ethnicity, promised and measured.

A group is measured against itself (`models.evaluate.group_trials`). What was promised is what a
camera's threshold promises. A verdict says in plain words where the people are too few to tell.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.evaluate.group_trials import Compared, Group, mean_by_person
from models.evaluate.labels import Labelled
from models.evaluate.trials import Trial, interval
from recognition.calibration import PPB, Calibration, Grade, Groups, Rate, threshold_for
from recognition.errors import ListNotServed
from recognition.quality import ENROLMENT, MATCHING, Bounds, shortfalls
from recognition.template import PPM

Json: TypeAlias = dict[str, Any]

BUDGETS: Final = (0.01, 0.001)
SIZES: Final = (7, 30)
SEEN_MIN: Final = 10
"""Least pairs of people who are taken for each other, for a factor that counts as measured."""
NET_RATES: Final = (1e-2, 1e-3)
NET_PEOPLE_MIN: Final = 20
HALVINGS: Final = 14
"""Steps of the bisection: 2 / 2^14 is finer than the table's rows."""
STEP_CENTI: Final = 50
"""A factor is rounded up to the next half."""


def factor(compared: Compared, rates: Sequence[Rate]) -> tuple[float, float] | None:
    """Return how many times the rate of all people a group reaches, and at which score.

    It is the highest at any score of the table at which enough pairs of people were seen; None:
    at none were enough seen.
    """
    found = []
    for rate in rates:
        score = rate.score_ppm / PPM
        if compared.pairs_seen(score) < SEEN_MIN:
            break
        found.append((compared.fmr(score) / (rate.fmr_ppb / PPB), score))
    return max(found) if found else None


def rounded_up_centi(times: float) -> int:
    """Return a factor in hundredths, 100 or more, rounded up to the next half."""
    steps = -(-int(np.ceil(100 * times)) // STEP_CENTI)
    return max(100, steps * STEP_CENTI)


def worst_group(groups: Sequence[Group], table: Calibration) -> Groups | None:
    """Return the factor of the worst group over all sets; None if none could be measured."""
    found = [
        (*highest, group)
        for group in groups
        if (highest := factor(group.compared, rates_for(group.compared, table)))
    ]
    if not found:
        return None
    times, score, worst = max(found, key=lambda one: one[0])
    (rate,) = (
        one.fmr_ppb / PPB
        for one in rates_for(worst.compared, table)
        if one.score_ppm == round(score * PPM)
    )
    _, low, high = (end / rate for end in share(worst.compared.per_person(score, 1)))
    return Groups(
        times_centi=rounded_up_centi(times),
        worst=f"{worst}: {times:.2f} times ({low:.1f} to {high:.1f}) at {score:.2f}",
        measured=", ".join(f"{group} {times:.2f}" for times, _, group in found),
    )


def rates_for(compared: Compared, table: Calibration) -> tuple[Rate, ...]:
    """Return the rates that hold for a group's probes."""
    return table.fused if compared.probe is Grade.FUSED else table.rates


def measured(group: Group, table: Calibration) -> Json:
    """Return what was promised to a group, and what was measured."""
    labelled, compared = group.labelled, group.compared
    members = labelled.groups[group.name]
    highest = factor(compared, rates_for(compared, table))
    return {
        "set": labelled.found.archive.name,
        "group": group.name,
        "people": group.people,
        "faces": int(members.sum()),
        "set_without_face": labelled.found.pictures - len(labelled.found.faces),
        "refused_as_portrait": _refused(labelled, members, ENROLMENT),
        "refused_in_passing": _refused(labelled, members, MATCHING),
        "probe": compared.probe.value,
        "times": highest and {"fmr": round(highest[0], 2), "score": highest[1]},
        "searches": [
            _search(compared, table, budget, size) for budget in BUDGETS for size in SIZES
        ],
    }


def _search(compared: Compared, table: Calibration, budget: float, size: int) -> Json:
    row: Json = {"budget": budget, "n": size}
    try:
        chosen = threshold_for(table, size, round(budget * PPM), compared.probe)
    except ListNotServed:
        return {**row, "refused": True}
    threshold = chosen.score_ppm / PPM
    alarms, missed = compared.per_person(threshold, size), compared.missed(threshold)
    return {
        **row,
        "threshold": threshold,
        "promised": chosen.predicted_fpir_ppb / PPB,
        "fpir": share(alarms),
        "verdict": verdict(share(alarms), budget),
        "fnir": share(missed) if len(missed) else None,
    }


def promise(row: Json) -> str:
    """Return in a line what was promised for a search of a list of one group, and measured."""
    asked = f"budget {row['budget']:.1%}, N = {row['n']}"
    if "refused" in row:
        return f"{asked}: refused"
    mean, low, high = (100 * end for end in row["fpir"])
    return (
        f"{asked}: at most {row['promised']:.3%} promised, {mean:.2f} % ({low:.2f} to {high:.2f}) "
        f"measured, {row['verdict']}"
    )


def share(of_people: NDArray[np.float64]) -> list[float]:
    """Return the mean and its 95 % interval.

    A bootstrap of nothing but zeros has no width, so the upper end is then that of an event that
    none of n people had: 1 - 0.05^(1/n).
    """
    low, high = interval(of_people)
    if not of_people.any():
        high = 1 - 0.05 ** (1 / len(of_people))
    return [float(f"{end:.3g}") for end in (of_people.mean(), low, high)]


def verdict(fpir: Sequence[float], budget: float) -> str:
    """Return in a word whether a budget was kept."""
    mean, low, high = fpir
    if low > budget:
        return "broken"
    if high <= budget:
        return "kept"
    return "too few people to tell" if mean <= budget else "above, too few people to be sure"


def _refused(labelled: Labelled, members: NDArray[np.bool_], bounds: Bounds) -> list[float]:
    found = labelled.found
    refused = np.array([bool(shortfalls(one, bounds)) for one in found.qualities])
    return share(mean_by_person([(refused[members].astype(np.float64), found.people[members])]))


def compared_nets(name: str, groups: Sequence[Group], everyone: Trial) -> Json:
    """Return how unlike the groups are with one net, and what it misses when all are kept within.

    Args:
        name: of the net.
        groups: its trials, with single pictures.
        everyone: its trial on the set of the calibration, which sets the thresholds.
    """
    large = [one for one in groups if one.people >= NET_PEOPLE_MIN]
    fair = _threshold_for_all(large)
    return {
        "name": name,
        "groups": [
            {
                "group": str(one),
                "times": {
                    f"{rate:g}": [
                        round(end / rate, 2)
                        for end in share(one.compared.per_person(everyone.at_fmr(rate), 1))
                    ]
                    for rate in NET_RATES
                },
            }
            for one in large
        ],
        "threshold": round(fair, 4),
        "fnir": share(everyone.fnmr(fair)),
    }


def _threshold_for_all(groups: Sequence[Group]) -> float:
    """Return the lowest threshold at which every group keeps the first budget, seven listed."""
    low, high = -1.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        worst = max(one.compared.per_person(middle, SIZES[0]).mean() for one in groups)
        low, high = (middle, high) if worst > BUDGETS[0] else (low, middle)
    return high
