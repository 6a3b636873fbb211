"""Error rates of comparing faces, in the terms of ISO/IEC 19795: FMR, FNMR, FPIR, FNIR.

Every person has the same weight, for any number of pictures. The rates of searches are the
expectation over all lists that could be drawn, not over a sample of lists. Intervals are bootstraps
over people, because the scores of one person's pictures are not independent.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluate.cache import Rows
from recognition.template import Template, fuse

RESAMPLES: Final = 1000
SEED: Final = 20260101
HALVINGS: Final = 24
"""Steps of the bisection for a threshold: 2 / 2^24 is finer than a millionth."""

TRACK: Final = 3
"""Pictures of one fused probe: as many as a camera adds up (firmware/looking/tracks.py)."""

HIGH: Final = 0.2
"""From here on few strangers are left, and only those are looked at: that is most of the time."""

SEEN_MIN: Final = 20
"""Least comparisons of strangers that reach a threshold, for a rate that counts as measured."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Every probe compared with every picture that could be on a list."""

    scores: NDArray[np.float32]
    """(probes, pictures) cosines; NaN where the probe was made from that picture."""
    probes: NDArray[np.int32]
    """(probes,), the person of each."""
    pictures: NDArray[np.int32]
    """(pictures,), the person of each."""

    @classmethod
    def of(
        cls,
        vectors: NDArray[np.float64],
        people: NDArray[np.int32],
        *,
        probes: NDArray[np.float64] | None = None,
        made_from: NDArray[np.int64] | None = None,
    ) -> "Trial":
        """Compare pictures with each other, or probes with them.

        Args:
            vectors: (pictures, dim), of any length.
            people: (pictures,), one number per person from 0 on.
            probes: (probes, dim); without them every picture is a probe.
            made_from: (probes, k), the places of the pictures each probe was made from.
        """
        if probes is None or made_from is None:
            probes, made_from = vectors, np.arange(len(vectors))[:, None]
        scores = unit(probes) @ unit(vectors).T
        np.put_along_axis(scores, made_from, np.nan, axis=1)
        return cls(scores, people[made_from[:, 0]], people)

    def some(self, chosen: NDArray[np.bool_]) -> "Trial":
        """Return the trial of the chosen probes only."""
        return Trial(self.scores[chosen], self.probes[chosen], self.pictures)

    @cached_property
    def people(self) -> int:
        """How many people were probes."""
        return len(np.unique(self.probes))

    @cached_property
    def strangers(self) -> NDArray[np.float32]:
        """The scores, NaN for pictures of the probe's own person, (probes, pictures)."""
        return np.where(self.probes[:, None] == self.pictures, np.float32(np.nan), self.scores)

    @cached_property
    def mates(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """The scores of pairs of one person, and that person: (pairs,), (pairs,)."""
        same = (self.probes[:, None] == self.pictures) & ~np.isnan(self.scores)
        return self.scores[same], np.broadcast_to(self.probes[:, None], same.shape)[same]

    @cached_property
    def _high(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """The few comparisons of strangers from `HIGH` on: probe, weight and score of each."""
        rows, columns = np.nonzero(self.strangers >= HIGH)
        return rows, self._share[columns], self.strangers[rows, columns]

    @cached_property
    def _share(self) -> NDArray[np.float32]:
        """The weight of each picture among strangers, equal for each person, (pictures,)."""
        counts = np.bincount(self.pictures)
        strangers = np.count_nonzero(counts) - 1
        return (1 / counts[self.pictures] / strangers).astype(np.float32)

    def fnmr(self, threshold: float) -> NDArray[np.float64]:
        """Return each person's share of own pairs below it, one for each person with pairs."""
        scores, people = self.mates
        return _by_person((scores < threshold).astype(np.float64), people)

    def reached(self, threshold: float) -> NDArray[np.float64]:
        """Return each probe's chance that a stranger's picture reaches it, (probes,)."""
        if threshold >= HIGH:
            rows, shares, scores = self._high
            passed = scores >= threshold
            counts = np.bincount(rows[passed], shares[passed], minlength=len(self.probes))
            return counts.astype(np.float64)
        return ((self.strangers >= threshold).astype(np.float32) @ self._share).astype(np.float64)

    def fmr(self, threshold: float) -> NDArray[np.float64]:
        """Return each person's chance of a false match with one stranger, one for each person."""
        return _by_person(self.reached(threshold), self.probes)

    def fpir(self, threshold: float, size: int) -> NDArray[np.float64]:
        """Return each unlisted person's chance of an alarm with a list of `size`, per person."""
        return _by_person(1 - (1 - self.reached(threshold)) ** size, self.probes)

    def seen(self, threshold: float) -> int:
        """Return how many comparisons of strangers reach the threshold."""
        if threshold >= HIGH:
            return int((self._high[2] >= threshold).sum())
        return int((self.strangers >= threshold).sum())

    def at_fmr(self, rate: float) -> float:
        """Return the lowest threshold with at most this false-match rate."""
        return self._lowest(rate, size=1)

    def at_fpir(self, rate: float, size: int) -> float:
        """Return the lowest threshold with at most this false-positive identification rate."""
        return self._lowest(rate, size)

    def _lowest(self, rate: float, size: int) -> float:
        low, high = -1.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if self.fpir(middle, size).mean() > rate:
                low = middle
            else:
                high = middle
        return high


def tracks_of(
    people: NDArray[np.int32], usable: NDArray[np.bool_], deals: int = 1
) -> NDArray[np.int64]:
    """Return groups of `TRACK` pictures of one person, (groups, TRACK).

    Args:
        people: (n,), the person of each picture.
        usable: (n,), whether a picture may be used.
        deals: how often each person's pictures are dealt out; one deal uses a picture once.
    """
    rng = np.random.default_rng(SEED)
    groups = []
    for person in range(people.max() + 1):
        own = np.flatnonzero((people == person) & usable)
        for _ in range(deals):
            dealt = rng.permutation(own)
            groups += [dealt[at : at + TRACK] for at in range(0, len(own) - TRACK + 1, TRACK)]
    return np.array(groups)


def fused(templates: Rows, groups: NDArray[np.int64]) -> Rows:
    """Return one template for each group, as a camera adds them up, (groups, dim)."""
    every = [Template(one) for one in templates.astype(np.int8)]
    return np.array([fuse([every[at] for at in group]).vector for group in groups], np.float64)


def in_turn(plain: Rows, mirrored: Rows, groups: NDArray[np.int64]) -> Rows:
    """Return one template for each group, whose looks are by turns chip and mirror image.

    A camera that goes on adds plain, mirrored, plain, and then mirrored, plain, mirrored. Both
    orders are equally frequent here.

    Args:
        plain: (n, dim), templates of the chips.
        mirrored: (n, dim), templates of their mirror images.
        groups: (groups, TRACK), the looks of each.
    """
    sides = (plain, mirrored)
    return np.array(
        [
            added_up(np.stack([sides[(first + at) % 2][look] for at, look in enumerate(group)]))
            for first, group in enumerate(groups)
        ]
    )


def added_up(looks: Rows) -> Rows:
    """Return the sum of some looks, (looks, dim), as a camera makes it, (dim,)."""
    summed: Rows = fuse(Template(one) for one in looks.astype(np.int8)).vector.astype(np.float64)
    return summed


def interval(of_people: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of the mean, bootstrap over people."""
    rng = np.random.default_rng(SEED)
    count = len(of_people)
    means = [of_people[rng.integers(count, size=count)].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the vectors at length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return scaled


def _by_person(values: NDArray[np.float64], people: NDArray[np.int32]) -> NDArray[np.float64]:
    counts = np.bincount(people)
    there = counts > 0
    means: NDArray[np.float64] = np.bincount(people, values)[there] / counts[there]
    return means
