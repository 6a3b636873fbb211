"""Two dozen passers-by with known truth: which of them become events, and how often.

They walk both ways at different speeds, cross, hide each other, are missed by the detector, and
resemble another person for a frame now and then. The whole loop runs; only the nets are fakes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from firmware.hardware.camera import Frame
from firmware.looking.pauses import PAUSE_S
from firmware.tests.fakes import (
    FakeCamera,
    FakeEmbedder,
    PasserBy,
    ScriptedGuard,
    face_of,
    scene,
    template_of,
)
from firmware.tests.station import run_of
from formats.event import MatchEvent
from recognition.aligner import Chip
from recognition.template import Side, Template

LISTED, ALSO_LISTED, STRANGER = 0, 1, 2
ENTRIES = {bytes([1]) * 16: LISTED, bytes([2]) * 16: ALSO_LISTED}
FRAMES_PER_S = 10
MISSED = 0.1
"""Share of faces that the detector misses."""
MISTAKEN = 0.05
"""Share of probes that resemble another person."""
HIDDEN = 0.4
"""Share of a face behind another one from which it is not seen."""
EVERY_FRAMES = 28
"""A new passer-by comes so often: two or three are in view at any time."""
WHO = [
    *(STRANGER, LISTED, ALSO_LISTED, STRANGER, STRANGER, LISTED),
    *(STRANGER, STRANGER, ALSO_LISTED, STRANGER, STRANGER, STRANGER),
    *(STRANGER, STRANGER, STRANGER, LISTED, ALSO_LISTED, STRANGER),
    *(LISTED, STRANGER, STRANGER, STRANGER, STRANGER, STRANGER),
]
"""Two dozen; both who are listed come together twice, and each again within the pause."""


@dataclass(frozen=True)
class Walker:
    who: int
    begins: int
    """Number of the frame in which this one comes into view."""
    speed: float
    """Pixels to the right in each frame."""
    y: float

    def at(self, frame: int) -> PasserBy | None:
        walked = self.speed * (frame - self.begins)
        x = walked if self.speed > 0 else 540 + walked
        return PasserBy(self.who, x, self.y) if walked * self.speed >= 0 <= x <= 540 else None


def crowd(seed: int) -> list[Walker]:
    random = np.random.default_rng(seed)
    walkers = []
    for number, who in enumerate(WHO):
        speed = float(random.uniform(9, 14)) * (1 if number % 2 else -1)
        walkers.append(Walker(who, number * EVERY_FRAMES, speed, float(random.uniform(20, 110))))
    return walkers


def hides(nearer: PasserBy, farther: PasserBy) -> bool:
    one, other = face_of(nearer).box, face_of(farther).box
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(width, 0.0) * max(height, 0.0) > HIDDEN * other.width * other.height


def seen(walkers: list[Walker], seed: int) -> list[list[PasserBy]]:
    """Return the passers-by whom the detector finds in each frame."""
    random = np.random.default_rng(seed)
    shots = []
    for frame in range(len(WHO) * EVERY_FRAMES + 60):
        near: list[PasserBy] = []
        for one in filter(None, (walker.at(frame) for walker in walkers)):
            if not any(hides(other, one) for other in near):
                near.append(one)
        shots.append([one for one in near if random.random() >= MISSED])
    return shots


@dataclass
class Passing(FakeCamera):
    """Keeps no frame, only when each was exposed."""

    stamps: list[int] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Iterator[Frame]]:
        yield self._passing()

    def _passing(self) -> Iterator[Frame]:
        began_ns = time.monotonic_ns()
        for number, people in enumerate(self.shots):
            self.stamps.append(began_ns + number * 10**9 // FRAMES_PER_S)
            yield Frame(scene(people, number), self.stamps[-1])


class Mistaken(FakeEmbedder):
    """Takes one in twenty for another person."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = np.random.default_rng(seed)

    def template(self, chip: Chip, side: Side = Side.BOTH) -> Template:
        right = super().template(chip, side)
        if self._random.random() < MISTAKEN:
            return template_of(int(self._random.integers(3)))
        return right


def due(walkers: list[Walker]) -> tuple[list[Walker], int]:
    """Return the walkers who must be events, and how many must not because of the pause."""
    until_s: dict[int, float] = {}
    pause_s: dict[int, int] = {}
    events, paused = [], 0
    for walker in walkers:
        at_s = walker.begins / FRAMES_PER_S
        if walker.who == STRANGER:
            continue
        if at_s >= until_s.get(walker.who, 0.0):
            events.append(walker)
            pause_s[walker.who] = 2 * pause_s[walker.who] if walker.who in pause_s else PAUSE_S
            until_s[walker.who] = at_s + pause_s[walker.who]
        else:
            paused += 1
    return events, paused


def about(event: MatchEvent, camera: Passing, walkers: list[Walker]) -> Walker | None:
    """Return the walker whom an event is about, in truth: one of that entry who was in view."""
    frame = camera.stamps.index(event.captured_mono_ns)
    who = ENTRIES[event.entry]
    return next((one for one in walkers if one.who == who and one.at(frame)), None)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)]
)
def test_of_two_dozen_passers_by_each_listed_one_is_one_event_and_no_other(
    tmp_path: Path, seed: int
) -> None:
    walkers = crowd(seed)
    camera = Passing(seen(walkers, seed))
    with ScriptedGuard() as guard:
        run = run_of(tmp_path, guard.channel, camera, embedder=Mistaken(seed))
        run.watch()
    wanted, paused = due(walkers)
    found = [about(event, camera, walkers) for event in run.events()]
    right = [one for one in wanted if one in found]
    precision = sum(one is not None for one in found) / len(found)
    suppressed = int(run.counts["suppressed"])
    print(  # noqa: T201  # What it measured.
        f"\n  {len(walkers)} passers-by: {len(found)} events, precision {precision:.2f}, "
        f"recall {len(right) / len(wanted):.2f}, suppressed {suppressed} of {paused}"
    )
    assert None not in found
    assert len(found) == len(set(map(id, found)))
    assert right == wanted
    assert suppressed >= paused


def test_the_crowd_is_one() -> None:
    walkers = crowd(1)
    together = [
        sum(walker.at(frame) is not None for walker in walkers)
        for frame in range(len(WHO) * EVERY_FRAMES)
    ]
    assert len(walkers) >= 20
    assert max(together) >= 3
    wanted, paused = due(walkers)
    assert (len(wanted), paused) == (4, 3)
