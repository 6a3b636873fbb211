"""Time a crowd on one core, in virtual time: who is found when a slower loop gets fewer frames.

The clock of the scene advances by the CPU time that the loop of `watch` took for a frame. Frames
that were exposed meanwhile are lost, as on a camera, which keeps the newest. So a figure does not
depend on what else the machine does. Every second passer-by is on the list. One who walks through
the whole picture is due to become an event; only announcements at the right place count.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.cast import Cast
from benchmarks.cpu_time import Spread
from benchmarks.scenes import FRAMES_PER_S, PERIOD, Lanes, Passage
from benchmarks.street_watch import Announced, StreetWatch, open_eye, street_watch
from benchmarks.table import Column, Table, options
from firmware.hardware.camera import Frame
from recognition.eye import Eye

AT_ONCE: Final = (8, 20)
DUE: Final = 30
"""Least listed passers-by of a scene."""
RENEW_EVERY: Final = 20
"""Frames between two renewals of the light."""


@dataclass
class VirtualCamera:
    """A camera whose clock is the CPU time of the program that takes its frames."""

    scene: Lanes
    frames: int
    watch: StreetWatch | None = None
    taken: list[int] = field(default_factory=list)
    spent_s: list[float] = field(default_factory=list)
    """CPU time of the loop for each frame that was taken."""
    began_ns: int = 0
    clock_ns: Callable[[], int] = time.thread_time_ns

    @contextmanager
    def running(self) -> Generator[Iterator[Frame]]:
        """Yield the frames that the program is fast enough to take."""
        yield self._frames()

    def _frames(self) -> Iterator[Frame]:
        self.began_ns, number, now_s = time.monotonic_ns(), 0, 0.0
        while number < self.frames:
            if self.watch is not None and len(self.taken) % RENEW_EVERY == 0:
                self.watch.renew_light()
            picture = self.scene.picture(number)
            self.taken.append(number)
            begun_ns = self.clock_ns()
            yield Frame(picture, self.began_ns + number * 1_000_000_000 // FRAMES_PER_S)
            spent_s = (self.clock_ns() - begun_ns) / 1e9
            self.spent_s.append(spent_s)
            now_s = max(now_s, number / FRAMES_PER_S) + spent_s
            number = max(number + 1, int(now_s * FRAMES_PER_S))

    def number(self, at_ns: int) -> int:
        """Return the number of the frame with this time stamp."""
        return round((at_ns - self.began_ns) * FRAMES_PER_S / 1e9)


@dataclass(frozen=True, slots=True)
class Found:
    """Who was due, who was found, and at what cost."""

    due: int
    found: int
    wrong: int
    """Announcements that name another person than the one at that place."""
    frames: int
    taken: int
    cpu_ms: float
    """Of one frame that was taken, on average."""

    @property
    def share(self) -> float:
        """Share of the due people who were found."""
        return self.found / self.due


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--at-once", type=int, nargs="*", default=AT_ONCE)
    parser.add_argument("--faces", type=Path, help="ZIP of Person_Name/picture.jpg, who walk")
    arguments = parser.parse_args()
    columns = [Column("due"), Column("found"), Column("wrong"), Column("frames"), Column("taken")]
    table = Table("crowd on one core, virtual time", [*columns, Column("CPU ms")], ["numpy"])
    eye = open_eye()
    cast = Cast.of(eye, arguments.faces)
    for at_once in arguments.at_once:
        one = find(eye, cast, at_once)
        shown = (one.due, one.found, one.wrong, one.frames, one.taken)
        table.add(f"{at_once} at once", *(f"{each:,}" for each in shown), one.cpu_ms)
        if at_once in AT_ONCE:
            table.figure(f"crowd_found_{at_once}", Spread.of([one.share]))
    table.finish(arguments.json)


def find(eye: Eye, cast: Cast, at_once: int, least_due: int = DUE) -> Found:
    """Let a crowd pass and return who was found."""
    scene = Lanes(cast.people, at_once)
    camera = VirtualCamera(scene, frames_for(scene, cast, least_due))
    with street_watch(camera, eye, cast) as watch:
        camera.watch = watch
        announced = watch.run()
    named = list(cast.listed)
    about = [passer_by(scene, camera, one) for one in announced]
    right = {
        shown
        for shown, one in zip(about, announced, strict=True)
        if shown is not None and scene.who(shown) in named[one.place : one.place + 1]
    }
    due = set(_due(scene, cast, camera.frames))
    return Found(
        due=len(due),
        found=len(due & right),
        wrong=len(announced) - sum(shown in right for shown in about),
        frames=camera.frames,
        taken=len(camera.taken),
        cpu_ms=1000 * sum(camera.spent_s) / len(camera.taken),
    )


def frames_for(scene: Lanes, cast: Cast, least_due: int) -> int:
    """Return the length of a scene in which at least so many listed people pass."""
    frames = 2 * PERIOD
    while len(_due(scene, cast, frames)) < least_due:
        frames += PERIOD
    return frames


def passer_by(scene: Lanes, camera: VirtualCamera, one: Announced) -> Passage | None:
    """Return whose face is at the place of an announcement; None for a place without a face."""
    heads = scene.heads(camera.number(one.at_ns))
    return next((head.passage for head in heads if head.holds(one.box)), None)


def _due(scene: Lanes, cast: Cast, frames: int) -> list[Passage]:
    return [one for one in scene.passages(frames) if scene.who(one) in cast.listed]


if __name__ == "__main__":
    main()
