"""Measures what a score is worth on a set of people and writes it into the manifest.

Every picture is compared with every picture of another person. The interval is a bootstrap over
people, because pairs that share a person are not independent. Rows stand only where enough false
matches were seen to say anything; beyond the last row the camera refuses rather than guesses.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from lfw import Gathered, gather
from numpy.typing import NDArray

from recognition.calibration import PPB, Rate
from recognition.embedder import cosines_ppm
from recognition.manifest import load_uncalibrated

FLOOR_PPM: Final = 900_000
"""Scores below are never thresholds: one stranger in thirty reaches them."""

STEP_PPM: Final = 2_000
SEEN_MIN: Final = 20
"""False matches a row must rest on: with fewer, the interval is wider than the rate itself."""

RESAMPLES: Final = 1000
SEED: Final = 20260101
MARK: Final = "\n[calibration]\n"


@dataclass(frozen=True, slots=True)
class Strangers:
    """The pairs of pictures of different people, those below the floor only counted."""

    first: NDArray[np.int32]
    """(k,), the one person of each pair above the floor."""
    second: NDArray[np.int32]
    """(k,), the other person."""
    scores_ppm: NDArray[np.int64]
    """(k,)."""
    pictures: NDArray[np.int64]
    """(people,), pictures of each person."""

    def pairs(self, weights: NDArray[np.float64]) -> float:
        """Return how many pairs there are when each person counts `weights` times."""
        counts = weights * self.pictures
        # Pictures of a person drawn twice are still that person's: they make no stranger pair.
        return float((counts.sum() ** 2 - np.square(counts).sum()) / 2)


def strangers(gathered: Gathered) -> Strangers:
    """Return all pairs of pictures of different people."""
    templates, people = gathered.templates.astype(np.float32), gathered.people
    squares = np.square(gathered.templates.astype(np.int64)).sum(axis=1)
    found = []
    for place in range(len(people) - 1):
        dots = templates[place + 1 :] @ templates[place]
        scores = cosines_ppm(dots, squares[place + 1 :], squares[place])
        others = people[place + 1 :]
        high = (scores >= FLOOR_PPM) & (others != people[place])
        first = np.full(high.sum(), people[place], np.int32)
        found.append((first, others[high], scores[high]))
    first, second, scores = (np.concatenate(column) for column in zip(*found, strict=True))
    return Strangers(first, second, scores, np.bincount(people))


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
    rows = []
    top = int(pairs.scores_ppm.max())
    for score_ppm in range(FLOOR_PPM, top, STEP_PPM):
        reached = pairs.scores_ppm >= score_ppm
        if reached.sum() < SEEN_MIN:
            break
        first, second = pairs.first[reached], pairs.second[reached]
        again = np.array([float(one[first] @ one[second]) for one in weights]) / totals
        upper = max(float(np.quantile(again, 0.975)), reached.sum() / every)
        rows.append(Rate(score_ppm, round(PPB * reached.sum() / every), int(PPB * upper) + 1))
    return rows


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="ZIP of Person_Name/picture.jpg")
    parser.add_argument("models", type=Path, help="folder with nets and manifest")
    arguments = parser.parse_args()
    gathered = gather(arguments.archive, arguments.models)
    pairs = strangers(gathered)
    table = rates(pairs)
    for rate in table:
        print(f"{rate.score_ppm} ppm: FMR {rate.fmr_ppb} ppb, at most {rate.upper_ppb} ppb")
    embedder, _ = load_uncalibrated(arguments.models)
    count = int(pairs.pairs(np.ones(len(pairs.pictures))))
    text = _section(gathered, arguments.archive.name, embedder.digest, count, table)
    path = arguments.models / "manifest.toml"
    nets, _, _ = path.read_text("utf-8").partition(MARK)
    path.write_text(nets + MARK + text, "utf-8")


def _section(gathered: Gathered, archive: str, digest: bytes, pairs: int, table: list[Rate]) -> str:
    people = len(set(gathered.people.tolist()))
    rows = "".join(
        f"    {{ score_ppm = {rate.score_ppm}, fmr_ppb = {rate.fmr_ppb}, "
        f"upper_ppb = {rate.upper_ppb} }},\n"
        for rate in table
    )
    return (
        f'embedder_sha256 = "{digest.hex()}"\n'
        f'runtime = "{gathered.runtime}"\n'
        f'pictures = "{archive}: {len(gathered.people)} faces of {people} people, '
        f"one found in each of {gathered.pictures} pictures but "
        f'{gathered.pictures - len(gathered.people)}"\n'
        f"pairs = {pairs}\n"
        f'command = "python models/evaluate/calibrate.py {archive} models"\n'
        "# upper_ppb: upper end of the 95 % interval, bootstrap over people, "
        f"{RESAMPLES} draws.\n"
        f"rates = [\n{rows}]\n"
    )


if __name__ == "__main__":
    main()
