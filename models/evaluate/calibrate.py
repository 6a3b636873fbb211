"""Calibration: measure the false-match rate of each score, and write it into the manifest.

Every picture of a grade is compared with every picture of another person that is good enough for a
list. The interval is a bootstrap over people, because pairs that share a person are not
independent. The worst group's factor is measured on sets with labels, if there are any
(`models.evaluate.groups`). A row is written only if `SEEN_MIN` false matches or more were seen;
above the last row a camera has no threshold and refuses the list.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluate.cache import Rows
from models.evaluate.degradations import FAIR, degrade
from models.evaluate.group_trials import as_a_camera
from models.evaluate.groups import worst_group
from models.evaluate.labels import Labelled, labelled_sets
from models.evaluate.lfw import Found, find
from models.evaluate.recognisers import Halves, Shipped
from models.evaluate.trials import TRACK, in_turn, tracks_of
from recognition.calibration import PPB, Calibration, Grade, Groups, Rate, grade
from recognition.template import cosines_ppm

FLOOR_PPM: Final = 240_000
"""A lower score is never a threshold: one stranger in forty reaches it."""

STEP_PPM: Final = 10_000
SEEN_MIN: Final = 40
"""Least false matches behind a row: 20 pairs, each counted from both sides."""

DEALS: Final = 4
"""How often each person's pictures are dealt out to fused probes. More deals give more probes at
high scores; the interval does not become narrower, because it is over people."""

RESAMPLES: Final = 1000
SEED: Final = 20260101
MARK: Final = "\n[calibration]\n"


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """The pairs of a probe and another person's picture; those below the floor are only counted."""

    first: NDArray[np.int32]
    """(k,), the probe's person of each pair above the floor."""
    second: NDArray[np.int32]
    """(k,), the other person."""
    scores_ppm: NDArray[np.int64]
    """(k,)."""
    probes: NDArray[np.int64]
    """(people,), probes of each person."""
    pictures: NDArray[np.int64]
    """(people,), pictures of each person that could stand on a list."""

    def pairs(self, weights: NDArray[np.float64]) -> float:
        """Return how many pairs there are when each person counts `weights` times."""
        probes, pictures = weights * self.probes, weights * self.pictures
        # A person who was drawn twice is still one person, and makes no pair of strangers.
        return float(probes.sum() * pictures.sum() - probes @ pictures)


def strangers(
    probes: Rows, of_probes: NDArray[np.int32], listed: Rows, of_listed: NDArray[np.int32]
) -> Strangers:
    """Return all pairs of a probe and a picture of another person.

    Args:
        probes: (p, dim), templates.
        of_probes: (p,), the person of each, from 0 on.
        listed: (n, dim), templates that could stand on a list.
        of_listed: (n,), the person of each.
    """
    squares, others = (np.square(one).sum(axis=1).astype(np.int64) for one in (probes, listed))
    columns = listed.astype(np.float32)
    found = []
    for place, person in enumerate(of_probes):
        dots = columns @ probes[place].astype(np.float32)
        scores = cosines_ppm(dots, others, squares[place])
        high = (scores >= FLOOR_PPM) & (of_listed != person)
        first = np.full(high.sum(), person, np.int32)
        found.append((first, of_listed[high], scores[high]))
    first, second, scores = (np.concatenate(column) for column in zip(*found, strict=True))
    people = int(max(of_probes.max(), of_listed.max())) + 1
    counts = [np.bincount(one, minlength=people) for one in (of_probes, of_listed)]
    return Strangers(first, second, scores, *counts)


def rates(pairs: Strangers) -> list[Rate]:
    """Return the table of false-match rates, by rising score."""
    rng = np.random.default_rng(SEED)
    people = len(pairs.pictures)
    draws = [
        np.bincount(rng.integers(people, size=people), minlength=people) for _ in range(RESAMPLES)
    ]
    weights = np.array(draws, np.float64)
    totals = np.array([pairs.pairs(one) for one in weights])
    every = pairs.pairs(np.ones(people))
    steps = (pairs.scores_ppm - FLOOR_PPM) // STEP_PPM
    counts = _at_least(steps, None)
    # Each pair is weighed once for each draw, not once for each row: that is most of the time.
    again = (
        np.array([_at_least(steps, one[pairs.first] * one[pairs.second]) for one in weights])
        / totals[:, None]
    )
    uppers = np.maximum(np.quantile(again, 0.975, axis=0), counts / every)
    return [
        Rate(FLOOR_PPM + at * STEP_PPM, round(PPB * count / every), int(PPB * upper) + 1)
        for at, (count, upper) in enumerate(zip(counts, uppers, strict=True))
        if count >= SEEN_MIN
    ]


def _at_least(steps: NDArray[np.int64], weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the weight of all pairs that reach each step or a higher one."""
    return np.bincount(steps, weights)[::-1].cumsum()[::-1].astype(np.float64)


def calibrate(
    found: Found,
    templates: Rows,
    shipped: Shipped,
    models: Path,
    labelled: Sequence[Labelled] = (),
) -> Calibration:
    """Return the calibration on a set of people, with rates for each grade of probe.

    Args:
        found: the set.
        templates: (n, dim), one per face.
        shipped: the embedder that made them.
        models: folder with nets and manifest.
        labelled: sets of which groups are known, for the factor of the worst.
    """
    people = found.people
    grades = [grade(quality) for quality in found.qualities]
    good = np.array([one is Grade.GOOD for one in grades])
    fair = np.array([one is Grade.FAIR for one in grades])
    worse = [(one, one.outcomes == FAIR) for one in degrade(found, models)]
    fair_ones = np.concatenate([templates[fair], *(one.vectors[some] for one, some in worse)])
    of_fair = np.concatenate(
        [people[fair], *(people[one.made_from[some, 0]] for one, some in worse)]
    )
    groups = tracks_of(people, good | fair, DEALS)
    listed = (templates[good], people[good])
    best = rates(strangers(*listed, *listed))
    worst = rates(strangers(fair_ones, of_fair, *listed))
    every = np.concatenate([templates[good], fair_ones])
    pairs = strangers(every, np.concatenate([people[good], of_fair]), *listed)
    halves = Halves(shipped)
    sides = np.hsplit(found.each(halves.vector, halves.name, halves.origin), 2)
    probes = in_turn(sides[0], sides[1], groups)
    table = Calibration(
        embedder_digest=shipped.entry.net.digest,
        runtime=shipped.embedder.runtime,
        pictures=_described(found, good, fair),
        pairs=int(pairs.pairs(np.ones(len(pairs.pictures)))),
        command=f"python -m models.evaluate.calibrate {found.archive.name} models"
        + (" --labelled SETS" if labelled else ""),
        rates=tuple(_strictest(rates(pairs), [*best, *worst])),
        good=tuple(best),
        fused=tuple(rates(strangers(probes, people[groups[:, 0]], *listed))),
    )
    return replace(table, groups=worst_group(as_a_camera(labelled, shipped, models), table))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="ZIP of Person_Name/picture.jpg")
    parser.add_argument("models", type=Path, help="folder with nets and manifest")
    parser.add_argument("--labelled", type=Path, help="folder of sets with labels of groups")
    arguments = parser.parse_args()
    found = find(arguments.archive, arguments.models)
    shipped = Shipped.load(arguments.models)
    templates = found.each(shipped.vector, shipped.name, shipped.origin)
    labelled = labelled_sets(arguments.labelled, arguments.models) if arguments.labelled else ()
    measured = calibrate(found, templates, shipped, arguments.models, labelled)
    path = arguments.models / "manifest.toml"
    nets, _, _ = path.read_text("utf-8").partition(MARK)
    path.write_text(nets + MARK + _section(measured), "utf-8")


def _strictest(every: Sequence[Rate], apart: Sequence[Rate]) -> list[Rate]:
    """Return the rates of all probes, each raised to the highest rate of one grade alone."""
    return [
        replace(
            rate,
            upper_ppb=max(
                one.upper_ppb for one in (rate, *apart) if one.score_ppm == rate.score_ppm
            ),
        )
        for rate in every
    ]


def _described(found: Found, good: NDArray[np.bool_], fair: NDArray[np.bool_]) -> str:
    return (
        f"{found.archive.name}: one face found in each of {found.pictures} pictures but "
        f"{found.pictures - len(found.faces)}, of {found.people.max() + 1} people; {good.sum()} "
        f"good, {fair.sum()} fair, and as many as became fair of pictures made worse"
    )


def _section(measured: Calibration) -> str:
    return (
        f'embedder_sha256 = "{measured.embedder_digest.hex()}"\n'
        f'runtime = "{measured.runtime}"\n'
        f'pictures = "{measured.pictures}"\n'
        f"pairs = {measured.pairs}\n"
        f'command = "{measured.command}"\n'
        "# upper_ppb: upper end of the 95 % interval, bootstrap over people, "
        f"{RESAMPLES} draws.\n"
        "# rates: every face that may be compared, nowhere below good or fair ones alone;\n"
        f"# good: those that would do for a list; fused: {TRACK} pictures of one person as one,\n"
        "# by turns the chip and its mirror image.\n"
        f"rates = [\n{_rows(measured.rates)}]\n"
        f"good = [\n{_rows(measured.good)}]\n"
        f"fused = [\n{_rows(measured.fused)}]\n"
        + (_groups(measured.groups) if measured.groups else "")
    )


def _groups(groups: Groups) -> str:
    return (
        "\n[calibration.groups]\n"
        "# times_centi: false-match rate within the worst group over that of all people, in "
        "hundredths.\n"
        f"times_centi = {groups.times_centi}\n"
        f'worst = "{groups.worst}"\n'
        f'measured = "{groups.measured}"\n'
    )


def _rows(table: Sequence[Rate]) -> str:
    return "".join(
        f"    {{ score_ppm = {rate.score_ppm}, fmr_ppb = {rate.fmr_ppb}, "
        f"upper_ppb = {rate.upper_ppb} }},\n"
        for rate in table
    )


if __name__ == "__main__":
    main()
