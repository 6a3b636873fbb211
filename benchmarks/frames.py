"""Time whole frames beside peers: CPU time from a frame to its candidates, and recall of faces.

The real loop of `watch` looks at drawn scenes with 0, 1, 5 and 20 faces. After every few frames
each peer gets the same frame in turn, so that load falls on all of them alike. A peer makes a
template of every face in every frame and compares none; `watch` follows, decides and compares. The
ratio is the fastest peer's CPU time over that of `watch`: above 1 `watch` is faster. Recall counts
the heads that are wholly in the frame, in the frames that all of them saw.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Final

from benchmarks.cast import Cast
from benchmarks.cpu_time import MS, Spread, ratios
from benchmarks.peers import FOLDER, MOBILE, Peer, load_all
from benchmarks.scenes import FRAMES_PER_S, Lanes
from benchmarks.street_watch import StreetWatch, open_eye, street_watch
from benchmarks.table import Column, Table, options
from firmware.hardware.camera import Frame
from recognition.eye import Eye
from recognition.face import Box
from recognition.pixels import Pixels

FACES: Final = (0, 1, 5, 20)
FRAMES: Final = 160
"""Of each scene: people pass three times."""
STRETCH: Final = 20
"""Frames between two turns of the peers: two seconds, in which each rule of the looks applies."""
OURS: Final = "watch"


@dataclass(frozen=True, slots=True)
class Compared:
    """The costs of one scene, in ms of CPU time, and how many of the heads were found."""

    ours_ms: Sequence[float]
    """Mean of each stretch, per frame."""
    peers_ms: dict[str, list[float]]
    """Of the frame after each stretch, by peer."""
    recall: dict[str, float | None]
    """By peer, and `OURS`; None in a scene without a face."""

    @property
    def fastest(self) -> str:
        """Name of the fastest peer."""
        return min(self.peers_ms, key=lambda name: median(self.peers_ms[name]))

    @property
    def ratio(self) -> Spread:
        """The fastest peer's time over ours, stretch by stretch."""
        return ratios(self.peers_ms[self.fastest], list(self.ours_ms))


@dataclass
class TakingTurns:
    """A camera of a scene that lets the peers look in between, and keeps the time of each."""

    scene: Lanes
    frames: int
    peers: Sequence[Peer]
    find: Callable[[Pixels], list[Box]]
    """The detector of `watch`, for its recall."""
    watch: StreetWatch | None = None
    ours_ms: list[float] = field(default_factory=list)
    peers_ms: dict[str, list[float]] = field(default_factory=dict)
    heads: int = 0
    hit: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Generator[Iterator[Frame]]:
        """Yield each frame once, with the scene's own times."""
        yield self._frames()

    def _frames(self) -> Iterator[Frame]:
        began_ns, stretch = time.monotonic_ns(), list[float]()
        for number in range(self.frames):
            picture = self.scene.picture(number)
            shown = picture.copy()
            begun_ns = time.thread_time_ns()
            yield Frame(picture, began_ns + number * 1_000_000_000 // FRAMES_PER_S)
            stretch.append((time.thread_time_ns() - begun_ns) * MS)
            if len(stretch) == STRETCH:
                self.ours_ms.append(mean(stretch))
                stretch.clear()
                self._let_peers_look(number, shown)

    def _let_peers_look(self, number: int, picture: Pixels) -> None:
        heads = [head for head in self.scene.heads(number) if head.whole]
        self.heads += len(heads)
        found = {OURS: self.find(picture)}
        for peer in self.peers:
            begun_ns = time.thread_time_ns()
            found[peer.name] = peer.look(picture)
            spent_ms = (time.thread_time_ns() - begun_ns) * MS
            self.peers_ms.setdefault(peer.name, []).append(spent_ms)
        for name, boxes in found.items():
            hit = sum(any(head.holds(box) for box in boxes) for head in heads)
            self.hit[name] = self.hit.get(name, 0) + hit
        if self.watch is not None:
            self.watch.renew_light()


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--peers", type=Path, help=f"folder of further nets: {MOBILE}")
    parser.add_argument("--faces", type=Path, help="ZIP of Person_Name/picture.jpg, who walk")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each scene")
    arguments = parser.parse_args()
    columns = [Column("CPU ms"), Column("low"), Column("high"), Column("recall", ".1%")]
    packages = ["opencv-python-headless", "onnxruntime", "dlib-bin", "ai-edge-litert", "numpy"]
    table = Table("frames of 640 x 480, one thread", columns, packages)
    eye, peers = open_eye(), load_all([arguments.peers or FOLDER, FOLDER], table.note)
    cast = Cast.of(eye, arguments.faces)
    for faces in FACES:
        one = compare(eye, peers, cast, faces, arguments.frames)
        for name, spent_ms in {OURS: list(one.ours_ms), **one.peers_ms}.items():
            spread, recall = Spread.of(spent_ms), one.recall[name]
            shown = "" if recall is None else recall
            table.add(f"{faces} faces: {name}", spread.median, spread.low, spread.high, shown)
        if peers:
            table.figure(f"frame_ratio_{faces}", one.ratio)
            table.note(f"{faces} faces: {one.fastest} takes {one.ratio} times the CPU of watch.")
        else:
            table.missing(f"frame_ratio_{faces}", "there is no peer: make bench")
    table.finish(arguments.json)


def compare(eye: Eye, peers: Sequence[Peer], cast: Cast, faces: int, frames: int) -> Compared:
    """Let `watch` and the peers look at one scene by turns."""
    scene = Lanes(cast.people, faces)
    for peer in peers:
        peer.look(scene.picture(0))  # The first turn of each fills its caches.
    camera = TakingTurns(
        scene, frames, peers, lambda pixels: [face.box for face in eye.detector.find(pixels)]
    )
    with street_watch(camera, eye, cast) as watch:
        camera.watch = watch
        watch.run()
    recall = {
        name: hit / camera.heads if camera.heads else None for name, hit in camera.hit.items()
    }
    return Compared(camera.ours_ms, camera.peers_ms, recall)


if __name__ == "__main__":
    main()
