"""Wolf templates: how many passers-by match a template that was crafted to match many.

    python -m models.evaluate.crafted_templates lfw-dev.zip

The organisation that writes the templates of a list could put a crafted vector into one person's
entry: the mean of many faces, or one that was optimised on half of the people. It is tried on the
other half. The second organisation that signs the list cannot see templates. Each person passes
once, with up to three pictures, added up as on a camera. The thresholds are those of a camera.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import FOLDER
from models.evaluate.lfw import find
from models.evaluate.recognisers import Shipped
from models.evaluate.several_pictures import PICTURES, SIZES, calibrated
from models.evaluate.trials import SEED, fused, unit
from recognition.quality import ENROLMENT, MATCHING, shortfalls
from recognition.template import peaked

STARTS: Final = 200
"""Faces from which the search for a vector near many others starts."""
STEPS: Final = 20
NEAREST: Final = 50
"""People whose mean is the next step."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lfw", type=Path, help="ZIP of Person_Name/picture.jpg")
    found = find(parser.parse_args().lfw, FOLDER)
    shipped = Shipped.load(FOLDER)
    templates = found.each(shipped.vector, shipped.name, shipped.origin)
    good, fair = (
        np.array([not shortfalls(one, bounds) for one in found.qualities])
        for bounds in (ENROLMENT, MATCHING)
    )
    everyone = np.array(
        [
            unit(
                fused(templates, np.flatnonzero((found.people == person) & fair)[None, :PICTURES])
            )[0]
            for person in np.unique(found.people[fair])
        ]
    )
    known, others = np.array_split(np.random.default_rng(SEED).permutation(everyone), 2)
    crafted = {
        "the picture of one person": unit(templates[good][:1])[0],
        "the mean of half of the people": _nearest_template(known.mean(axis=0)),
        "the best found on that half": _optimised(known),
    }
    print(f"{found.archive.name}: {len(known)} people to craft from, {len(others)} others who pass")
    for size in SIZES:
        threshold = calibrated(size)
        if threshold is None:
            continue
        for name, vector in crafted.items():
            share = float((others @ vector >= threshold).mean())
            print(f"{size:>5} templates  threshold {threshold:.3f}  {name:<38}{share:>7.1%}")


def _nearest_template(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the template nearest to a direction, as a unit vector."""
    whole = np.round(direction / np.abs(direction).max() * 1e6).astype(np.int32)
    made: NDArray[np.float64] = unit(peaked(whole)[None].astype(np.float64))[0]
    return made


def _optimised(known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the template that matches most of the people, by hill climbing from many of them."""
    least, most = calibrated(SIZES[0]) or 1.0, -1.0
    best: NDArray[np.float64] = known[0]
    for start in np.random.default_rng(SEED).choice(len(known), STARTS):
        vector = known[start]
        for _ in range(STEPS):
            vector = _nearest_template(known[np.argsort(-(known @ vector))[:NEAREST]].mean(axis=0))
        share = float((known @ vector >= least).mean())
        best, most = (vector, share) if share > most else (best, most)
    return best


if __name__ == "__main__":
    main()
