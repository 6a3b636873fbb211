"""Several enrolment pictures per person: what they gain in FNIR and cost in FPIR.

    python -m models.evaluate.several_pictures lfw-dev.zip

Three pictures of a passer-by, added up as on a camera, are searched for on three kinds of list. In
the first, an entry has one picture. In the second it has three, and the best score counts, as in
the format of a list. In the third, three pictures are added up to one template. Each list is
measured at the threshold of a camera, for which every template counts, and at the threshold that
exactly keeps the budget on this set. The program also prints how often pictures of one person would
be refused because they do not agree.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import FOLDER
from models.evaluate.cache import Rows
from models.evaluate.lfw import find
from models.evaluate.recognisers import Shipped
from models.evaluate.trials import HALVINGS, SEED, fused, unit
from recognition.calibration import Grade, threshold_for
from recognition.enrolment import agreement_ppm
from recognition.errors import ListNotServed
from recognition.manifest import load_manifest
from recognition.quality import ENROLMENT, MATCHING, shortfalls
from recognition.template import PPM, Template

PICTURES: Final = 3
"""Pictures of an entry, and of a passer-by."""
BUDGET: Final = 1e-3
SIZES: Final = (7, 30, 100)


@dataclass(frozen=True, slots=True)
class Lists:
    """All people as entries, and all passers-by as probes."""

    scores: NDArray[np.float32]
    """(probes, people): the cosine of each probe with each person's entry."""
    owners: NDArray[np.int64]
    """(probes,), the place of each probe's own person among the people; -1 for none."""

    def reached(self, threshold: float) -> NDArray[np.float64]:
        """Return each probe's chance that another person's entry reaches the threshold."""
        passed = self.scores >= threshold
        own = self.owners >= 0
        passed[np.flatnonzero(own), self.owners[own]] = False
        shares: NDArray[np.float64] = passed.sum(axis=1) / (self.scores.shape[1] - own)
        return shares

    def fpir(self, threshold: float, size: int) -> float:
        """Return the chance of an alarm for a person who is not on a list of `size` people."""
        return float((1 - (1 - self.reached(threshold)) ** size).mean())

    def fnir(self, threshold: float) -> float:
        """Return the share of probes that miss their own entry."""
        own = np.flatnonzero(self.owners >= 0)
        return float((self.scores[own, self.owners[own]] < threshold).mean())

    def threshold(self, size: int) -> float:
        """Return the lowest threshold that keeps the budget on a list of `size`."""
        low, high = -1.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.fpir(middle, size) > BUDGET else (low, middle)
        return high


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lfw", type=Path, help="ZIP of Person_Name/picture.jpg")
    found = find(parser.parse_args().lfw, FOLDER)
    shipped = Shipped.load(FOLDER)
    templates = found.each(shipped.vector, shipped.name, shipped.origin)
    good = np.array([not shortfalls(one, ENROLMENT) for one in found.qualities])
    fair = np.array([not shortfalls(one, MATCHING) for one in found.qualities])
    entries, probes, owners = deal(found.people, good, fair)
    one, best, summed = lists(templates, entries, probes, owners)
    print(
        f"{found.archive.name}: {len(entries)} people with {PICTURES} pictures good enough for a "
        f"list, {len(probes)} passers-by of {PICTURES} other pictures, "
        f"{(owners >= 0).sum()} of them on the list; budget {BUDGET:.1%}"
    )
    print(f"\n{'people':>7}  {'entry':<48}{'threshold':>10}{'FNIR':>8}{'FPIR':>9}")
    for size in SIZES:
        for name, listed, count in (
            ("one picture", one, size),
            ("three pictures, the best counts", best, size * PICTURES),
        ):
            print_row(size, f"{name}; as cameras do", listed, calibrated(count))
        for name, listed in (
            ("one picture", one),
            ("three pictures, the best counts", best),
            ("three pictures, added up", summed),
        ):
            print_row(size, f"{name}; just within", listed, listed.threshold(size))
    print_agreement(templates, entries)


def calibrated(templates: int) -> float | None:
    """Return a camera's threshold for so many templates; None: it refuses the list."""
    calibration = load_manifest(FOLDER).calibration
    try:
        demanded = threshold_for(calibration, templates, round(BUDGET * PPM), Grade.FUSED)
    except ListNotServed:
        return None
    return demanded.score_ppm / PPM


def print_row(size: int, name: str, listed: Lists, threshold: float | None) -> None:
    """Print one row."""
    if threshold is None:
        print(f"{size:>7}  {name:<48}   refused: too long for the calibration")
        return
    missed, alarms = listed.fnir(threshold), listed.fpir(threshold, size)
    print(f"{size:>7}  {name:<48}{threshold:>10.3f}{missed:>8.2%}{alarms:>9.3%}")


def deal(
    people: NDArray[np.int32], good: NDArray[np.bool_], fair: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the pictures of entries and of passers-by, and the entry of each passer-by."""
    rng = np.random.default_rng(SEED)
    entries: list[list[int]] = []
    probes: list[list[int]] = []
    owners: list[int] = []
    for person in range(people.max() + 1):
        own = rng.permutation(np.flatnonzero((people == person) & good))
        listed = own[:PICTURES] if len(own) >= PICTURES else own[:0]
        rest = np.setdiff1d(np.flatnonzero((people == person) & fair), listed)
        groups = rng.permutation(rest)[: len(rest) // PICTURES * PICTURES].reshape(-1, PICTURES)
        probes += groups.tolist()
        owners += [len(entries) if len(listed) else -1] * len(groups)
        if len(listed):
            entries.append(listed.tolist())
    return np.array(entries), np.array(probes), np.array(owners)


def lists(
    templates: Rows,
    entries: NDArray[np.int64],
    probes: NDArray[np.int64],
    owners: NDArray[np.int64],
) -> tuple[Lists, Lists, Lists]:
    """Return the lists with one picture, with the best of three, and with their sum."""
    seen = unit(fused(templates, probes))
    each = np.stack([seen @ unit(templates[entries[:, at]]).T for at in range(PICTURES)])
    summed = seen @ unit(fused(templates, entries)).T
    return Lists(each[0], owners), Lists(each.max(axis=0), owners), Lists(summed, owners)


def print_agreement(templates: Rows, entries: NDArray[np.int64]) -> None:
    """Print how often the gate refuses pictures of one person, and accepts a stranger's."""
    calibration = load_manifest(FOLDER).calibration
    needed = threshold_for(calibration, 1, round(BUDGET * PPM), Grade.FUSED).score_ppm
    every = [Template(row) for row in templates.astype(np.int8)]
    own = [min(agreement_ppm([every[at] for at in group])) for group in entries]
    strange = [
        agreement_ppm([every[group[0]], every[group[1]], every[after[2]]])[2]
        for group, after in zip(entries, np.roll(entries, 1, axis=0), strict=True)
    ]
    print(
        f"\nThree pictures of one person, one of which does not agree at {needed / PPM:.3f}: "
        f"{np.mean(np.array(own) < needed):.1%} of {len(own)}."
        f"\nA picture of another person beside two of one person that passes: "
        f"{np.mean(np.array(strange) >= needed):.1%} of {len(strange)}."
    )


if __name__ == "__main__":
    main()
