"""`make long-crowd`: precision and recall of events, of a crowd of the people in a ZIP of pictures.

    make long-crowd FACES=lfw.zip GROUPS=40 LISTED=8 SEED=1

Groups of four walk past; in every second one there are two of the list. Without a ZIP the two
people of the demo walk. No name is printed and no picture is kept.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from hil_tests.errors import DeskRefused
from hil_tests.long.crowd.run import enlist, walk
from hil_tests.rig.desk_site import DeskSite
from hil_tests.scenes.crowd import make_crowd
from hil_tests.scenes.people import PASSING_PICTURES, Pedestrian, archived, portrayed
from recognition.detector import Detector
from recognition.manifest import load_uncalibrated

MODELS: Final = Path(__file__).resolve().parents[3] / "models"
PEOPLE: Final = 1000
"""Most people of a ZIP that are looked at."""
TOGETHER: Final = 4


def detector() -> Detector:
    """Return the detector that ships."""
    _, entries = load_uncalibrated(MODELS)
    return Detector.load(MODELS, entries)


def groups_of(
    people: int, listed: Sequence[int], count: int, random: np.random.Generator
) -> list[list[int]]:
    """Return who walks together: by turns two listed people and none; all others are strangers."""
    strangers = iter(random.permutation([who for who in range(people) if who not in listed]))
    groups = []
    for number in range(count):
        known = random.permutation(listed)[:2].tolist() if number % 2 else []
        others = list(islice(strangers, TOGETHER - len(known)))
        if len(known) + len(others) < TOGETHER:
            raise DeskRefused(f"The ZIP has too few people for {count} groups: ask for fewer.")
        groups.append([int(who) for who in random.permutation(known + others)])
    return groups


def _invited(archive: Path | None) -> list[Pedestrian]:
    """Return all people who could walk, those with most pictures first."""
    if archive is None:
        return portrayed(detector())
    if not archive.is_file():
        raise DeskRefused(f"There is no ZIP {archive}: check FACES.")
    print(f"Looking for faces in {archive.name} ...", file=sys.stderr)
    people = list(islice(archived(archive, detector()), PEOPLE))
    return sorted(people, key=lambda one: -len(one.appearances))


def main() -> int:
    """Let a crowd pass, and print precision and recall of its events."""
    parser = argparse.ArgumentParser(prog="make long-crowd", description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, help="ZIP of Person_Name/picture.jpg")
    parser.add_argument("--groups", type=int, default=40)
    parser.add_argument("--listed", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    people, random = _invited(chosen.faces), np.random.default_rng(chosen.seed)
    with TemporaryDirectory() as folder:
        desk = DeskSite(Path(folder) / "desk", 1024)
        if chosen.faces is None:
            listed, groups = enlist(desk, people, len(people)), [[0, 1]] * chosen.groups
        else:
            able = [one for one in people if len(one.appearances) == PASSING_PICTURES]
            listed = enlist(desk, able, chosen.listed)
            places = list(listed.values())
            groups = groups_of(len(people), places, chosen.groups, random)
        began_s = time.monotonic()
        outcome = walk(desk, make_crowd(people, groups, chosen.seed), listed)
    print(f"seed {chosen.seed}, {time.monotonic() - began_s:.0f} s\n{outcome}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DeskRefused as refusal:
        sys.exit(str(refusal))
