"""Error rates of the occlusion check at enrolment: glasses, mask, scarf, hand.

    python -m models.evaluate.covered_faces lfw-dev.zip us-senate.zip

Shapes are painted over faces that pass every other measure of the gate. Each painted picture goes
through the whole gate again: detection, quality, occlusion. Painted shapes are flat and have clean
edges, so real glasses and hands are harder to find. A face without a painted shape counts as free,
although some wear glasses or hats or stand behind microphones. So the printed rate of false
refusals is higher than the true one. The bounds were chosen on pictures of the same two sets. No
file is written.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models import FOLDER
from models.evaluate.lfw import Found, central, find, map_in_parallel
from recognition.aligner import STANDARD, align, chip_to_picture
from recognition.detector import Detector
from recognition.face import Face
from recognition.manifest import load_uncalibrated
from recognition.occlusion import (
    EYES_CENTI,
    MOUTH_CENTI,
    SIDES_CENTI,
    covered,
    halves,
)
from recognition.pixels import Pixels
from recognition.quality import ENROLMENT, measure, shortfalls

SKIN: Final = -1
"""A shape with this brightness is painted in the brightness of the face."""
FREE, REFUSED, COVERED = range(3)
"""The outcome for a picture: passed, refused by another measure, refused as covered."""

Shape = tuple[Sequence[tuple[float, float]], int]
"""Corners in the chip of 150 x 150 in which quality is measured, and a brightness."""


def ellipse(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    """Return the corners of an ellipse around a place, with these half axes."""
    turns = np.linspace(0, 2 * pi, 40)
    return [(x + width * cos(turn), y + height * sin(turn)) for turn in turns]


def box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    """Return the corners of a rectangle."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


MASK: Final = [(18, 78), (75, 68), (132, 78), (125, 130), (75, 150), (25, 130)]
EYE, OTHER_EYE = ellipse(47, 47, 20, 14), ellipse(102, 47, 20, 14)
THINGS: Final[dict[str, list[Shape]]] = {
    "nothing": [],
    "dark glasses": [(EYE, 25), (OTHER_EYE, 25), (box(60, 43, 90, 48), 25)],
    "a bar over the eyes": [(box(20, 35, 130, 60), 10)],
    "a patch over one eye": [(ellipse(47, 47, 22, 18), 15)],
    "a white mask": [(MASK, 200)],
    "a dark scarf": [(MASK, 40)],
    "a hand over the mouth": [(ellipse(75, 105, 38, 20), SKIN), (ellipse(30, 125, 25, 14), SKIN)],
    "a hand on a cheek": [(ellipse(35, 90, 26, 40), SKIN)],
    "half a face behind a wall": [(box(0, 0, 74, 150), 60)],
}


@dataclass(frozen=True, slots=True)
class Gate:
    """Every measure of the enrolment gate."""

    detector: Detector

    def outcome(self, pixels: Pixels) -> int:
        """Return the outcome for a picture."""
        faces = self.detector.find(pixels)
        face = central(faces, pixels) if faces else None
        if face is None or shortfalls(measure(pixels, face), ENROLMENT):
            return REFUSED
        return COVERED if covered(halves(pixels, face, self.detector)) else FREE

    def outcomes(self, pixels: Pixels, face: Face) -> list[int]:
        """Return the outcome for a picture with each thing painted on it."""
        return [self.outcome(painted(pixels, face, thing)) for thing in THINGS.values()]


def painted(pixels: Pixels, face: Face, shapes: Sequence[Shape]) -> Pixels:
    """Return the picture with shapes over the face."""
    turn, shift = chip_to_picture(face.points, STANDARD)
    picture = Image.fromarray(pixels)
    layer, where = picture.copy(), Image.new("L", picture.size, 0)
    skin = int(align(pixels, face).pixels[60:95, 60:90].mean())
    for corners, brightness in shapes:
        places = [turn * complex(*corner) + shift for corner in corners]
        outline = [(place.real, place.imag) for place in places]
        level = skin if brightness == SKIN else brightness
        ImageDraw.Draw(where).polygon(outline, fill=255)
        ImageDraw.Draw(layer).polygon(outline, fill=(level, level, level))
    soft = where.filter(ImageFilter.GaussianBlur(0.8))
    return np.array(Image.composite(layer, picture, soft))


def usable_faces(found: Found, every: int) -> Iterator[tuple[Pixels, Face]]:
    """Yield one in `every` of the faces that pass all other measures."""
    usable = [not shortfalls(quality, ENROLMENT) for quality in found.qualities]
    chosen = [at for at, passes in enumerate(usable) if passes][every // 2 :: every]
    wanted = set(found.places[chosen].tolist())
    places = sorted(found.places.tolist())
    for place, one in zip(places, found.pictures_with_faces(), strict=True):
        if place in wanted:
            yield one


def main() -> None:
    """Measure and print one table for each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", type=Path, nargs="+", help="ZIPs of Person_Name/picture.jpg")
    parser.add_argument("--faces", type=int, default=90, help="of each set, evenly spread")
    arguments = parser.parse_args()
    _, entries = load_uncalibrated(FOLDER)
    gate = Gate(Detector.load(FOLDER, entries))
    print(f"bounds: eyes {EYES_CENTI}, mouth {MOUTH_CENTI}, sides {SIDES_CENTI}")
    for archive in arguments.sets:
        found = find(archive, FOLDER)
        passing = sum(not shortfalls(quality, ENROLMENT) for quality in found.qualities)
        seen = usable_faces(found, max(1, passing // arguments.faces))
        outcomes = map_in_parallel(lambda one: np.array(gate.outcomes(*one)), seen, archive.name)
        print_table(archive.name, outcomes)


def print_table(name: str, outcomes: np.ndarray) -> None:  # type: ignore[type-arg]
    """Print the outcomes for each thing that was painted."""
    print(f"\n{name}: {len(outcomes)} faces that pass every other measure")
    print(f"{'painted on':<28}{'refused as covered':>20}{'otherwise':>12}{'let through':>13}")
    for column, thing in enumerate(THINGS):
        seen, otherwise, free = (
            100 * float((outcomes[:, column] == outcome).mean())
            for outcome in (COVERED, REFUSED, FREE)
        )
        print(f"{thing:<28}{seen:>18.1f} %{otherwise:>10.1f} %{free:>11.1f} %")


if __name__ == "__main__":
    main()
