"""Write aligned faces of a set, one of each person, on which `models.build.originals` quantises."""

import argparse
from pathlib import Path
from typing import Final

import numpy as np

from models import FOLDER
from models.evaluate.lfw import find
from recognition.aligner import align
from recognition.manifest import load_uncalibrated

CHIPS: Final = 300
"""As many as `models.build.derive` quantises on."""


def main() -> None:
    """Write the chips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path, help="ZIP of Person_Name/picture.jpg")
    parser.add_argument("out", type=Path, help="file for (chips, 112, 112, 3) of uint8")
    arguments = parser.parse_args()
    entry, _ = load_uncalibrated(FOLDER)
    found = find(arguments.set, FOLDER)
    # The first picture of each person, from the end of the alphabet; the trials hold them, too.
    firsts = np.unique(found.people, return_index=True)[1]
    chosen = set(firsts[-CHIPS:].tolist())
    chips = [
        align(pixels, face, entry.alignment).pixels
        for at, (pixels, face) in enumerate(found.pictures_with_faces())
        if at in chosen
    ]
    np.save(arguments.out, np.array(chips), allow_pickle=False)
    print(f"{len(chips)} chips of {arguments.set.name}")


if __name__ == "__main__":
    main()
