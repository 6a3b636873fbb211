"""Draws a crowd that walks past, group after group, and knows whose face is where in each frame.

The people of a group come from both sides, some nearer than others, so that they hide each other.
Between two groups more time passes than an entry's pause. So each listed passer-by is due to become
an event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware.looking.pauses import AWAY_S
from hil_tests.scenes.drawing import (
    HEIGHT_PX,
    SEED,
    WIDTH_PX,
    camera_effects,
    overlay_figure,
    scenery,
    sensor_noise,
)
from hil_tests.scenes.people import Appearance, Pedestrian
from recognition.face import Box
from recognition.pixels import Pixels

FRAMES_PER_S: Final = 10
GROUP: Final = 46
"""Frames of one group: the last one is out of sight by then."""
BETWEEN_S: Final = AWAY_S + 1
"""From one group's last frame to the next one's first."""
PAIR_AFTER: Final = 10
"""Frames between the first two of a group, who come from both sides, and the next two."""
SHOWS: Final = 5
"""Frames after which a passer-by shows the next picture."""


@dataclass(frozen=True, slots=True)
class Passing:
    """One person walking past once."""

    who: int
    """Place among the crowd's people."""
    group: int
    begins: int
    """Frame of the group in which they come into view."""
    speed_px: float
    """To the right in each frame."""
    scale: float

    def left(self, frame: int, width: float) -> float | None:
        """Return where a figure so wide begins in one frame of the group; None out of sight."""
        walked = self.speed_px * (frame - self.begins)
        left = walked - width if self.speed_px > 0 else WIDTH_PX + walked
        return left if frame >= self.begins and -width <= left <= WIDTH_PX else None


@dataclass(frozen=True, slots=True)
class Head:
    """The true place of a passer-by's face in one frame."""

    passing: Passing
    box: Box

    @property
    def centre(self) -> tuple[float, float]:
        """Column and row of the face's middle."""
        return self.box.x + self.box.width / 2, self.box.y + self.box.height / 2

    def is_at(self, x: float, y: float) -> bool:
        """Return whether the face covers a place."""
        box = self.box
        return box.x < x < box.x + box.width and box.y < y < box.y + box.height


@dataclass(frozen=True)
class Crowd:
    """All people and all their walks."""

    people: Sequence[Pedestrian]
    passings: Sequence[Passing]

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return GROUP * (1 + max(passing.group for passing in self.passings))

    @staticmethod
    def at_s(number: int) -> float:
        """Return when a frame is exposed, after the first."""
        group, frame = divmod(number, GROUP)
        return group * (GROUP / FRAMES_PER_S + BETWEEN_S) + frame / FRAMES_PER_S

    def picture(self, number: int) -> Pixels:
        """Return one frame, (720, 960, 3) RGB; the same one every time."""
        picture = self._houses.copy()
        for _, shown, left, scale in self._present(number):
            top = HEIGHT_PX - round(shown.figure.cover.shape[0] * scale)
            overlay_figure(picture, shown.figure, round(left), top, scale)
        y, x = np.random.default_rng([SEED, number]).integers(0, 64, 2)
        return camera_effects(
            picture, number / FRAMES_PER_S, self._noise[y : y + HEIGHT_PX, x : x + WIDTH_PX]
        )

    def heads(self, number: int) -> list[Head]:
        """Return where the faces truly are in one frame, the nearest last."""
        found = []
        for passing, shown, left, scale in self._present(number):
            top = HEIGHT_PX - shown.figure.cover.shape[0] * scale
            head = shown.head
            box = Box(
                left + head.x * scale, top + head.y * scale, head.width * scale, head.height * scale
            )
            found.append(Head(passing, box))
        return found

    def hidden(self) -> list[Passing]:
        """Return each passer-by whose face was hidden for a while by the face of a nearer one."""
        covered: dict[Passing, None] = {}
        for number in range(self.frames):
            heads = self.heads(number)
            for at, head in enumerate(heads):
                if any(nearer.is_at(*head.centre) for nearer in heads[at + 1 :]):
                    covered[head.passing] = None
        return list(covered)

    def _present(self, number: int) -> list[tuple[Passing, Appearance, float, float]]:
        """Return who is in a frame, with picture, left edge and scale, farthest first."""
        group, frame = divmod(number, GROUP)
        present = []
        for passing in self.passings:
            if passing.group != group:
                continue
            person = self.people[passing.who]
            shown = person.appearances[frame // SHOWS % len(person.appearances)]
            scale = person.scale * passing.scale
            left = passing.left(frame, shown.figure.cover.shape[1] * scale)
            if left is not None:
                present.append((passing, shown, left, scale))
        return sorted(present, key=lambda one: one[3])

    @cached_property
    def _houses(self) -> Pixels:
        return scenery(np.random.default_rng(SEED))

    @cached_property
    def _noise(self) -> NDArray[np.int16]:
        return sensor_noise(np.random.default_rng(SEED))


def make_crowd(people: Sequence[Pedestrian], groups: Sequence[Sequence[int]], seed: int) -> Crowd:
    """Return a crowd in which each group of people, by their places, walks past together."""
    random = np.random.default_rng(seed)
    passings = []
    for group, members in enumerate(groups):
        for place, who in enumerate(members):
            side = 1 if (group + place) % 2 else -1
            speed_px = side * float(random.uniform(42, 52))
            begins, scale = int(random.integers(0, 7)), float(random.uniform(0.85, 1.15))
            begins += PAIR_AFTER * (place // 2)
            passings.append(Passing(who, group, begins, speed_px, scale))
    return Crowd(people, passings)
