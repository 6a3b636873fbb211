"""Tracking: follow each face from frame to frame, fuse its probes, vote on one entry.

There is one track per passer-by, so that one passer-by is one event. A track holds boxes, times and
votes, and the templates of its last `LOOKS` probes, which are fused (added up) and compared as one.
A vote says which entry such a sum resembled; an event needs `AGREE` of the last `OF` sums to agree
on one entry. Of a face that resembled an entry the track also holds the clearest look, which
reviewers see; of any other face it holds no picture. All of it is overwritten when the track is
closed.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import dist, inf
from typing import Final, TypeGuard

from firmware.looking.search import Candidate
from firmware.looking.sight import Probe, View
from recognition.face import Box, Face
from recognition.template import Side, Template, fuse

LOOKS: Final = 3
"""Probes that are compared as one. The calibration's fused rates are for this number. At the same
false alarms they miss a seventh of what one probe misses: models/embedder.md."""
AGREE: Final = 3
OF: Final = 5
"""Sums of one track that must agree, and among how many. Two looks that are both mistaken for the
same entry are in at most two sums."""
LOST_S: Final = 1.0
"""A track without a face for this long is closed."""
REACH: Final = 0.7
"""Farthest from where its track is expected that a face may be, in face heights."""
FIRST_REACH: Final = 1.2
"""The same for a track of one frame, whose direction is not known yet: a face is 20 cm high, and a
passer-by who walks briskly goes as far in a tenth of a second (`make long-crowd`)."""
TRACKS_MOST: Final = 128
"""Open tracks; beyond them those without a face for longest are closed. A frame has at most half
as many faces (`recognition.detector.FACES_MOST`)."""
ALIKE: Final = 1.6
"""Most that the size of one face changes from frame to frame, as a ratio of heights."""


@dataclass(slots=True, eq=False)
class Track:
    """One passer-by."""

    box: Box
    first_seen_ns: int
    last_seen_ns: int
    """CLOCK_MONOTONIC of the first and the latest frame with this face."""
    frames_seen: int = 1
    announced: bool = False
    """Whether an event of this passer-by was already made."""
    compared: bool = False
    """Whether this passer-by was compared with the list."""
    clearest: View | None = field(default=None, repr=False)
    """The clearest of the looks in which the face resembled an entry."""
    agreed: int = 0
    """Number of looks in the sums that agree with the latest."""
    looks: int = 0
    """Looks that were good enough to be compared."""
    tries: int = 0
    """Looks, good enough or not, since the face was first seen so clearly (`schedule`)."""
    tried_ns: int = 0
    """CLOCK_MONOTONIC of the latest of them."""
    clearest_view: float = 0.0
    """The clearest `recognition.quality.view` of a look."""
    _looks: deque[Template] = field(default_factory=deque, repr=False)
    _votes: deque[bytes | None] = field(default_factory=lambda: deque(maxlen=OF), repr=False)
    _drift: tuple[float, float] = (0.0, 0.0)

    @property
    def side(self) -> Side:
        """Return the image that the net gets next: they alternate, at half the cost of both."""
        return Side.MIRRORED if self.looks % 2 else Side.PLAIN

    def fused_probe(self, probe: Probe) -> Probe | None:
        """Return the last `LOOKS` probes as one, with the latest's face; None before so many."""
        self.looks += 1
        if len(self._looks) == LOOKS:
            self._looks.popleft().forget()
        self._looks.append(Template(probe.template.vector.copy()))
        return replace(probe, template=fuse(self._looks)) if len(self._looks) == LOOKS else None

    def begin_comparing(self) -> bool:
        """Note a comparison; return whether it was this passer-by's first."""
        first, self.compared = not self.compared, True
        return first

    def keep_clearest(self, shown: View) -> None:
        """Keep a look at a face that resembled an entry, if it is the clearest so far."""
        if self.clearest is not None and self.clearest.clarity >= shown.clarity:
            shown.forget()
            return
        if self.clearest is not None:
            self.clearest.forget()
        self.clearest = shown

    def forget(self) -> None:
        """Overwrite templates and picture."""
        while self._looks:
            self._looks.pop().forget()
        self.forget_clearest()

    def forget_clearest(self) -> None:
        """Overwrite the picture, which is no longer needed."""
        if self.clearest is not None:
            self.clearest.forget()
            self.clearest = None

    def vote(self, candidate: Candidate | None) -> TypeGuard[Candidate]:
        """Count which entry one sum resembled; return whether the vote is now won, once."""
        entry = candidate.handle if candidate else None
        self._votes.append(entry)
        votes = 0 if entry is None else self._votes.count(entry)
        self.agreed = LOOKS - 1 + votes if votes else 0
        return votes >= AGREE and not self.announced

    def expected(self, at_ns: int) -> Box:
        """Return the box where the face would be now at its last speed."""
        elapsed_s = (at_ns - self.last_seen_ns) / 1e9
        return Box(
            self.box.x + self._drift[0] * elapsed_s,
            self.box.y + self._drift[1] * elapsed_s,
            self.box.width,
            self.box.height,
        )

    def distance(self, box: Box, at_ns: int) -> float:
        """Return how far a face is from where this one is expected, in shares of its reach.

        Up to 1 it may be the same face; a face of a very different size is infinitely far.
        """
        expected = self.expected(at_ns)
        heights = sorted((box.height, expected.height))
        if heights[1] > ALIKE * heights[0]:
            return inf
        reach = FIRST_REACH if self.frames_seen == 1 else REACH
        return dist(_centre(box), _centre(expected)) / (reach * sum(heights) / 2)

    def move(self, box: Box, at_ns: int) -> None:
        """Set the face's new place, and its speed from it."""
        elapsed_s = max(at_ns - self.last_seen_ns, 1) / 1e9
        self._drift = ((box.x - self.box.x) / elapsed_s, (box.y - self.box.y) / elapsed_s)
        self.box, self.last_seen_ns = box, at_ns
        self.frames_seen += 1


@dataclass(slots=True)
class Tracks:
    """All passers-by in view."""

    _open: list[Track] = field(default_factory=list)

    def follow(self, faces: Sequence[Face], at_ns: int) -> list[tuple[Face, Track]]:
        """Return each face with its track, new or known; close the tracks that are lost."""
        self._close(lambda track: (at_ns - track.last_seen_ns) / 1e9 > LOST_S)
        reached = [
            (distance, at, track)
            for at, face in enumerate(faces)
            for track in self._open
            if (distance := track.distance(face.box, at_ns)) <= 1
        ]
        known: dict[int, Track] = {}
        taken: set[int] = set()
        for _, at, track in sorted(reached, key=lambda pair: pair[0]):
            if at not in known and id(track) not in taken:
                track.move(faces[at].box, at_ns)
                known[at] = track
                taken.add(id(track))
        return [
            (face, known[at] if at in known else self._begin(face, at_ns))
            for at, face in enumerate(faces)
        ]

    def forget(self) -> None:
        """Close every track."""
        self._close(lambda _: True)

    def _close(self, lost: Callable[[Track], bool]) -> None:
        for track in filter(lost, self._open):
            track.forget()
        self._open = [track for track in self._open if not lost(track)]

    def _begin(self, face: Face, at_ns: int) -> Track:
        if len(self._open) >= TRACKS_MOST:
            longest = min(self._open, key=lambda track: track.last_seen_ns)
            self._close(lambda track: track is longest)
        track = Track(face.box, at_ns, at_ns)
        self._open.append(track)
        return track


def _centre(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2
