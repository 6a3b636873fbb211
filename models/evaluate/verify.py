"""How often the shipped nets miss a person and how often they take one for another; prints JSON.

Verification compares all pairs of pictures. Identification draws lists of several lengths, lets
the manifest's calibration choose the threshold, and searches with one picture per probe. The words
are those of ISO/IEC 19795: FMR, TAR, FNIR, FPIR.
"""

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
from lfw import Gathered, gather
from numpy.typing import NDArray

from recognition.calibration import threshold_for
from recognition.embedder import cosines_ppm
from recognition.errors import ListNotServed
from recognition.manifest import load_manifest

FALSE_MATCH_RATES: Final = (1e-2, 1e-3, 1e-4, 1e-5)
LIST_SIZES: Final = (7, 100, 500)
BUDGET_PPM: Final = 1000
"""One stranger in a thousand may be taken for somebody on the list."""

LISTS: Final = 200
SEED: Final = 20260101
PAIRS_MAX: Final = 20
"""Pairs that one person may weigh: else four people with 100 pictures would be the result."""


def all_scores(gathered: Gathered) -> NDArray[np.int32]:
    """Return the cosine of every picture with every other, (n, n), in millionths."""
    templates = gathered.templates.astype(np.float32)
    squares = np.square(gathered.templates.astype(np.int64)).sum(axis=1)
    rows = [
        cosines_ppm(templates @ one, squares, square)
        for one, square in zip(templates, squares, strict=True)
    ]
    return np.array(rows, np.int32)


def verification(scores: NDArray[np.int32], people: NDArray[np.int32]) -> list[dict[str, float]]:
    """Return the true-accept rate at each false-match rate."""
    first, second = np.triu_indices(len(people), 1)
    values = scores[first, second]
    same = people[first] == people[second]
    strangers = np.sort(values[~same])
    owners = people[first][same]
    weights = np.minimum(1.0, PAIRS_MAX / np.bincount(owners)[owners])
    found = []
    for rate in FALSE_MATCH_RATES:
        threshold = int(strangers[-int(len(strangers) * rate)])
        accepted = float((weights * (values[same] >= threshold)).sum() / weights.sum())
        found.append({"fmr": rate, "threshold_ppm": threshold, "tar": round(accepted, 4)})
    return found


def identification(
    scores: NDArray[np.int32], people: NDArray[np.int32], size: int, threshold_ppm: int
) -> dict[str, float]:
    """Return misses and false alarms of lists of `size`, one picture per entry and probe."""
    rng = np.random.default_rng(SEED)
    several = np.flatnonzero(np.bincount(people) > 1)
    missed = mated = alarms = strangers = 0
    for _ in range(LISTS):
        listed = rng.choice(several, size=min(size, len(several)), replace=False)
        entries = np.array([rng.choice(np.flatnonzero(people == one)) for one in listed])
        best = scores[:, entries].max(axis=1)
        right = np.array([_own(scores, people, entries, one, rng) for one in range(len(listed))])
        missed += int((right < threshold_ppm).sum())
        mated += len(right)
        outside = ~np.isin(people, listed)
        one_each = np.unique(people[outside], return_index=True)[1]
        alarms += int((best[outside][one_each] >= threshold_ppm).sum())
        strangers += len(one_each)
    return {
        "list": size,
        "threshold_ppm": threshold_ppm,
        "fnir": round(missed / mated, 4),
        "mated_searches": mated,
        "fpir": round(alarms / strangers, 6),
        "other_searches": strangers,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="ZIP of Person_Name/picture.jpg")
    parser.add_argument("models", type=Path, help="folder with nets and manifest")
    arguments = parser.parse_args()
    manifest = load_manifest(arguments.models)
    gathered = gather(arguments.archive, arguments.models)
    scores = all_scores(gathered)
    searches: list[dict[str, float] | dict[str, int | str]] = []
    for size in LIST_SIZES:
        try:
            threshold = threshold_for(manifest.calibration, size, BUDGET_PPM)
            searches.append(identification(scores, gathered.people, size, threshold.score_ppm))
        except ListNotServed as refusal:
            searches.append({"list": size, "refused": str(refusal)})
    report = {
        "set": arguments.archive.name,
        "pictures": gathered.pictures,
        "faces": len(gathered.people),
        "people": int(gathered.people.max()) + 1,
        "embedder_sha256": manifest.embedder.digest.hex(),
        "runtime": gathered.runtime,
        "verification": verification(scores, gathered.people),
        "identification": searches,
    }
    print(json.dumps(report, indent=2))


def _own(
    scores: NDArray[np.int32],
    people: NDArray[np.int32],
    entries: NDArray[np.int64],
    place: int,
    rng: np.random.Generator,
) -> int:
    """Return the score of another picture of a listed person against that person's entry."""
    entry = entries[place]
    others = np.flatnonzero(people == people[entry])
    probe = rng.choice(others[others != entry])
    return int(scores[probe, entry])


if __name__ == "__main__":
    main()
