"""Draws the street of the demo: two people walk in and out, the same in each run.

Their size and place change, and so do light, blur and noise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hil_tests.scenes.drawing import (
    HEIGHT_PX,
    SEED,
    WIDTH_PX,
    Figure,
    camera_effects,
    cut_out,
    overlay_figure,
    scenery,
    sensor_noise,
)
from hil_tests.scenes.portraits import Person, portrait
from recognition.picture import read_picture
from recognition.pixels import Pixels

FRAMES_PER_S: Final = 20


@dataclass(frozen=True, slots=True)
class Walk:
    """One person's way through the picture."""

    person: Person
    start_s: float
    end_s: float
    from_x: float
    to_x: float
    """Centre of the figure, in picture widths: below 0 and above 1 is outside."""
    from_scale: float
    to_scale: float
    """Size of the figure: 1 is as large as the portrait."""


WALKS: Final = (
    Walk(Person.COLLINS, 0.0, 5.5, -0.25, 1.25, 0.75, 1.05),
    Walk(Person.HOPPER, 3.0, 9.0, 1.25, -0.25, 0.70, 0.95),
    Walk(Person.COLLINS, 7.5, 12.0, 1.25, -0.25, 0.95, 0.80),
)
LENGTH_S: Final = 12.5


def street(walks: Sequence[Walk] = WALKS, length_s: float = LENGTH_S) -> Iterator[Pixels]:
    """Yield the frames of the scene, (720, 960, 3) RGB, `FRAMES_PER_S` to a second."""
    random = np.random.default_rng(SEED)
    houses = scenery(random)
    noise = sensor_noise(random)
    people = {walk.person for walk in walks}
    figures = {person: cut_out(read_picture(portrait(person))) for person in people}
    for number in range(round(length_s * FRAMES_PER_S)):
        at_s = number / FRAMES_PER_S
        picture = houses.copy()
        for walk in walks:
            if walk.start_s <= at_s < walk.end_s:
                _place(picture, figures[walk.person], walk, at_s)
        y, x = random.integers(0, 64, 2)
        yield camera_effects(picture, at_s, noise[y : y + HEIGHT_PX, x : x + WIDTH_PX])


def _place(picture: Pixels, figure: Figure, walk: Walk, at_s: float) -> None:
    """Draw the figure where the walk has it at `at_s`."""
    done = (at_s - walk.start_s) / (walk.end_s - walk.start_s)
    scale = walk.from_scale + done * (walk.to_scale - walk.from_scale)
    width, height = (round(length * scale) for length in figure.cover.shape[::-1])
    bob_px = 6.0 * scale * (1 + np.sin(2 * np.pi * 1.8 * at_s))
    left = round((walk.from_x + done * (walk.to_x - walk.from_x)) * WIDTH_PX - width / 2)
    overlay_figure(picture, figure, left, round(HEIGHT_PX - height + bob_px), scale)
