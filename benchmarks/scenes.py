"""Scenes of people who walk past in lanes, in frames of 640 x 480; the true place of each head.

The people are the two public-domain portraits of the demo, or those of a ZIP. At any time so many
are in view; each crosses the picture in about five seconds, and the next one follows. No head hides
another. The scene without a face is the same street: for half of the time a figure walks past whose
face is covered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, floor, sin
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hil_tests.scenes.drawing import (
    HEIGHT_PX,
    SEED,
    WIDTH_PX,
    Figure,
    camera_effects,
    overlay_figure,
    scenery,
    sensor_noise,
)
from hil_tests.scenes.people import Appearance, Pedestrian
from recognition.face import Box
from recognition.pixels import Pixels

FRAMES_PER_S: Final = 10
FRAME: Final = (640, 480)
"""Width and height of a frame; it is drawn larger and made smaller."""
SHRUNK: Final = FRAME[0] / WIDTH_PX
HEAD_PX: Final = 108.0
"""Height of a head's box as drawn: 72 px in the frame."""
ABREAST: Final = 5
"""Most people of one lane who are in view at once."""
LANE_PX: Final = 180
"""Height of a lane as drawn; four lanes fill the picture."""
CUT_PX: Final = 176
"""Height of a figure as drawn: a head and a part of the shoulders."""
PERIOD: Final = 52
"""Frames in which a person crosses the picture: a walk of 1.4 m/s, in a picture 7 m wide."""
COVER_RGB: Final = (52, 44, 40)
"""The colour of a covered face."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One person who walks past once."""

    place: int
    """Which of the places in view."""
    turn: int
    """How many walked there before."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a head truly is in one frame, in the frame's pixels."""

    passage: Passage
    who: int
    """Place among the people of the scene."""
    box: Box

    @property
    def whole(self) -> bool:
        """Whether the head is inside the frame, with a tenth of its width to spare."""
        spare = self.box.width / 10
        return spare <= self.box.x and self.box.x + self.box.width + spare <= FRAME[0]

    def holds(self, box: Box) -> bool:
        """Return whether the middle of a found box is on this head."""
        x, y = box.x + box.width / 2, box.y + box.height / 2
        mine = self.box
        return mine.x < x < mine.x + mine.width and mine.y < y < mine.y + mine.height


@dataclass(frozen=True)
class Lanes:
    """A street in which so many people are in view at once."""

    people: Sequence[Pedestrian] = field(repr=False)
    at_once: int
    """0 to 20."""

    def who(self, passage: Passage) -> int:
        """Return who walks: the people by turns, so that neighbours differ where two are enough."""
        return (passage.place + passage.turn * max(1, self.at_once - 1)) % len(self.people)

    def passages(self, frames: int) -> list[Passage]:
        """Return the passages that begin and end within the first `frames` frames."""
        found = []
        for place in range(self.at_once):
            for turn in range(1, frames // PERIOD + 1):
                begins = turn * PERIOD - self._offset(place)
                if begins >= 0 and begins + PERIOD <= frames:
                    found.append(Passage(place, turn))
        return found

    def heads(self, number: int) -> list[Head]:
        """Return every head of a frame, also those that are partly outside."""
        found = []
        for place in range(self.at_once):
            passage, _, head, left, top = self._stands(place, number)
            scale = HEAD_PX / head.height
            box = Box(
                (left + head.x * scale) * SHRUNK,
                (top + head.y * scale) * SHRUNK,
                head.width * scale * SHRUNK,
                HEAD_PX * SHRUNK,
            )
            found.append(Head(passage, self.who(passage), box))
        return found

    def picture(self, number: int) -> Pixels:
        """Return one frame, (480, 640, 3) RGB; the same one every time."""
        drawn = self._houses.copy()
        for place in range(self.at_once):
            _, figure, head, left, top = self._stands(place, number)
            overlay_figure(drawn, figure, round(left), round(top), HEAD_PX / head.height)
        if not self.at_once and number // PERIOD % 2:
            _, figure, head, left, top = self._stands(0, number)
            overlay_figure(
                drawn, _covered(figure, head), round(left), round(top), HEAD_PX / head.height
            )
        y, x = np.random.default_rng([SEED, number]).integers(0, 64, 2)
        noise = self._noise[y : y + HEIGHT_PX, x : x + WIDTH_PX]
        seen = camera_effects(drawn, number / FRAMES_PER_S, noise)
        return np.asarray(cv2.resize(seen, FRAME, interpolation=cv2.INTER_AREA), np.uint8)

    def _offset(self, place: int) -> int:
        """Return by how many frames a place is ahead of the first one of its lane."""
        lane, lanes = place % self._lanes, self._lanes
        abreast = ceil((self.at_once - lane) / lanes)
        return floor((place // lanes + lane / lanes) * PERIOD / max(1, abreast)) % PERIOD

    @property
    def _lanes(self) -> int:
        return max(1, ceil(self.at_once / ABREAST))

    def _stands(self, place: int, number: int) -> tuple[Passage, Figure, Box, float, float]:
        """Return who is at a place in a frame, and left and upper edge of the figure as drawn."""
        turn, step = divmod(number + self._offset(place), PERIOD)
        passage = Passage(place, turn)
        appearance = self._appearances[self.who(passage)]
        figure, head = appearance.figure, appearance.head
        width = figure.cover.shape[1] * HEAD_PX / head.height
        lane = place % self._lanes
        done = step / PERIOD if lane % 2 == 0 else 1 - step / PERIOD
        left = done * (WIDTH_PX + width) - width
        below = (4 - self._lanes) * LANE_PX / 2
        top = below + lane * LANE_PX + 4 * sin(number / 3 + place)
        return passage, figure, head, left, top

    @cached_property
    def _appearances(self) -> list[Appearance]:
        return [_cut(one.appearances[0]) for one in self.people]

    @cached_property
    def _houses(self) -> Pixels:
        return scenery(np.random.default_rng(SEED))

    @cached_property
    def _noise(self) -> NDArray[np.int16]:
        return sensor_noise(np.random.default_rng(SEED))


def _cut(appearance: Appearance) -> Appearance:
    """Return head and shoulders of a figure: as much as one lane shows."""
    figure, head = appearance.figure, appearance.head
    scale = HEAD_PX / head.height
    top = max(0, round(head.y - 0.3 * head.height))
    rows = slice(top, top + round(CUT_PX / scale))
    middle, half = head.x + head.width / 2, 0.85 * head.height
    columns = slice(max(0, round(middle - half)), round(middle + half))
    box = Box(head.x - columns.start, head.y - top, head.width, head.height)
    return Appearance(Figure(figure.pixels[rows, columns], figure.cover[rows, columns]), box)


def _covered(figure: Figure, head: Box) -> Figure:
    """Return the figure with its face covered, as of a person who looks away."""
    pixels = figure.pixels.copy()
    centre = round(head.x + head.width / 2), round(head.y + head.height / 2)
    axes = round(0.8 * head.width), round(0.75 * head.height)
    cv2.ellipse(pixels, centre, axes, 0, 0, 360, COVER_RGB, cv2.FILLED)
    return Figure(pixels, figure.cover)
