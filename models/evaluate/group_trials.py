"""Trials of one group: people of a group, searched for on lists of their own group.

That is the worst case for a camera, and the case that its threshold is chosen for. Where a set has
three pictures of a person, probes are fused as on a camera; elsewhere one picture is the probe. The
embedder's centre was made from portraits. Those people are measured with a centre made from the
other half of them, so that no figure is of people the centre has seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluate.cache import Rows
from models.evaluate.labels import Labelled
from models.evaluate.recognisers import Bare, Halves, Recogniser, Shipped
from models.evaluate.trials import SEED, TRACK, Trial, in_turn, tracks_of
from recognition.calibration import Grade

CENTRED_ON: Final = "us-house-dev.zip"
"""The set that the embedder's centre was made from (models/build/centre.toml)."""
SPLITS: Final = 10
"""Halvings of that set; each gives two halves that are measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One group's trials: one, or one for each half that was measured."""

    trials: tuple[Trial, ...]
    probe: Grade

    def per_person(self, threshold: float, size: int) -> NDArray[np.float64]:
        """Return each person's chance of an alarm with a list of `size` people of the group."""
        return mean_by_person(
            (trial.fpir(threshold, size), np.unique(trial.probes)) for trial in self.trials
        )

    def missed(self, threshold: float) -> NDArray[np.float64]:
        """Return each person's share of own pairs below the threshold; empty without own pairs."""
        return mean_by_person(
            (trial.fnmr(threshold), np.unique(trial.mates[1])) for trial in self.trials
        )

    def fmr(self, threshold: float) -> float:
        """Return the share of pairs of different people who are taken for each other."""
        reached = sum(int((trial.strangers >= threshold).sum()) for trial in self.trials)
        return reached / sum(int((~np.isnan(trial.strangers)).sum()) for trial in self.trials)

    def pairs_seen(self, threshold: float) -> int:
        """Return how many different pairs of people are taken for each other."""
        pairs: set[tuple[int, int]] = set()
        for trial in self.trials:
            rows, columns = np.nonzero(trial.strangers >= threshold)
            both = np.sort(np.stack([trial.probes[rows], trial.pictures[columns]], axis=1), axis=1)
            pairs.update(map(tuple, both.tolist()))
        return len(pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """One group of one set, and its trials."""

    labelled: Labelled
    name: str
    compared: Compared

    @property
    def people(self) -> int:
        """How many people of the set are in the group."""
        return len(np.unique(self.labelled.found.people[self.labelled.groups[self.name]]))

    def __str__(self) -> str:
        """Return the group, its set and its size in a few words."""
        return f"{self.people} {self.name} of {self.labelled.found.archive.name}"


def as_a_camera(sets: Sequence[Labelled], shipped: Shipped, models: Path) -> list[Group]:
    """Return the trials of every group of every set, with probes as a camera makes them.

    Args:
        sets: the sets.
        shipped: the embedder.
        models: the folder it is from.
    """
    file = models / shipped.entry.net.file
    raw = Bare.load("before scaling", file, shipped.entry, mirrored=True)
    halves = Halves(shipped)
    groups = []
    for labelled in sets:
        vectors, unscaled, both = (
            labelled.found.each(one.vector, one.name, one.origin) for one in (shipped, raw, halves)
        )
        if labelled.found.archive.name == CENTRED_ON:
            trials = _cross_fitted(labelled, unscaled)
        else:
            trials = {
                name: _whole(vectors[members], both[members], labelled.found.people[members])
                for name, members in labelled.groups.items()
            }
        groups += [Group(labelled, name, compared) for name, compared in trials.items()]
    return groups


def of_single_pictures(
    sets: Sequence[Labelled], recogniser: Recogniser, *, centred: bool
) -> list[Group]:
    """Return the trials of every group of every set, with one picture as a probe.

    Args:
        sets: the sets.
        recogniser: any net.
        centred: whether the centre is in the net; then its vectors must not be scaled.
    """
    groups = []
    for labelled in sets:
        vectors = labelled.found.each(recogniser.vector, recogniser.name, recogniser.origin)
        if centred and labelled.found.archive.name == CENTRED_ON:
            trials = _cross_fitted(labelled, vectors)
        else:
            trials = {
                name: Compared(
                    (Trial.of(vectors[members], labelled.found.people[members]),), Grade.FAIR
                )
                for name, members in labelled.groups.items()
            }
        groups += [Group(labelled, name, compared) for name, compared in trials.items()]
    return groups


def _whole(templates: Rows, halves: Rows, people: NDArray[np.int32]) -> Compared:
    """Return the trial of a whole group; probes are fused if there are pictures enough."""
    if np.bincount(people).max() < TRACK:
        return Compared((Trial.of(templates, people),), Grade.FAIR)
    made_from = tracks_of(people, np.ones(len(people), np.bool_))
    plain, mirrored = np.hsplit(halves, 2)
    probes = in_turn(plain, mirrored, made_from)
    trial = Trial.of(templates, people, probes=probes, made_from=made_from)
    return Compared((trial,), Grade.FUSED)


def _cross_fitted(labelled: Labelled, raw: Rows) -> dict[str, Compared]:
    """Return the trials of each half of a set, less the centre of its other half."""
    people, cells = labelled.found.people, labelled.cells
    rng = np.random.default_rng(SEED)
    trials: dict[str, list[Trial]] = {name: [] for name in labelled.groups}
    for _ in range(SPLITS):
        first = np.zeros(len(cells), np.bool_)
        for cell in np.unique(cells):
            members = rng.permutation(np.flatnonzero(cells == cell))
            first[members[: len(members) // 2]] = True
        for half in (first, ~first):
            seen = raw - centre(raw[half], cells[half])
            for name, members in labelled.groups.items():
                some = members & ~half
                trials[name].append(Trial.of(seen[some], people[some]))
    return {name: Compared(tuple(every), Grade.FAIR) for name, every in trials.items()}


def centre(raw: Rows, cells: NDArray[np.str_]) -> Rows:
    """Return the mean of the means of all cells: each cell weighs the same."""
    means = [raw[cells == cell].mean(axis=0) for cell in np.unique(cells[cells != ""])]
    middle: Rows = np.mean(means, axis=0)
    return middle


def mean_by_person(
    parts: Iterable[tuple[NDArray[np.float64], NDArray[np.int32]]],
) -> NDArray[np.float64]:
    """Return each person's mean of all values, in the order of people."""
    values, people = map(np.concatenate, zip(*parts, strict=True))
    counts = np.bincount(people)
    there = counts > 0
    means: NDArray[np.float64] = np.bincount(people, values)[there] / counts[there]
    return means
