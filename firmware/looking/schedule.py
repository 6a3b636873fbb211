"""The look schedule: which faces of a frame are compared now; rate, order and deadline of looks.

A look (chip, template, search) takes longer than finding the faces of a whole frame. A passer-by
needs few looks, and looks at almost the same picture add little. The rules, in the order in which
they are applied to a face:

1. A track that was announced is not looked at any more: its one event is made.
2. A face that is too small or turned by its box and points is refused before a chip is cut.
3. A track is due at its first sight, and again after a pause that doubles with each look, from one
   frame to `PAUSE_MOST_S`. So the looks of one passer-by differ, and a person who stands still
   costs a few looks a minute. Pauses begin anew when the face is seen much more clearly.
4. A track whose latest sum resembled an entry is due in every frame, until its vote is decided.
5. Who is nearest to a decision goes first: half a decision is none.
6. No look begins that would end after the frame's deadline, but the first one always does. What was
   due and not looked at is counted (`put_off`), so that the ledger explains why a camera that has
   too much to do finds nothing.

This file knows no pixel and no template; `firmware.looking.tracks` holds what each track had.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from firmware.looking.tracks import LOOKS, Track
from firmware.record.counts import Counts
from recognition.face import Face
from recognition.quality import MATCHING, refused_by_points, view

FRAME_NS: Final = 100_000_000
"""Between two frames that are looked at, while nothing is urgent: 10 per second
(`firmware.looking.frame_rate`)."""
DEADLINE_NS: Final = 92_000_000
"""After the beginning of a frame's work. The rest of `FRAME_NS` is for the camera and the lease: a
camera that works longer than a frame lasts loses every second frame, and in a crowd with them half
of those who are due (docs/decisions/0036-a-look-schedule.md)."""
PAUSE_S: Final = 0.05
"""After the first look: one frame at 20 per second."""
PAUSE_MOST_S: Final = 10.0
"""A person who stays in view is looked at this often."""
PAUSE_FIRST_S: Final = 0.1
"""The longest pause until the first sum of looks is compared. A refused look costs a chip and no
template, and a walker is blurred in one frame and sharp in the next. A longer pause loses who is in
view for half a second, hidden for a while: one of twenty in a drawn crowd."""
CLEARER: Final = 1.5
"""A view so many times clearer than the clearest before begins the pauses anew."""
EARLY_NS: Final = 10_000_000
"""How much sooner than due a look may be: frames do not come to the millisecond."""


@dataclass(slots=True)
class LookSchedule:
    """Chooses the looks of each frame."""

    counts: Counts
    clock_ns: Callable[[], int] = time.monotonic_ns
    """The clock of the deadline."""
    _undecided: list[Track] = field(default_factory=list)
    """Tracks of the latest frame whose next look may make frames come faster."""
    _at_ns: int = 0
    """CLOCK_MONOTONIC of the latest frame."""
    _look_ns: int = 0
    """How long a look takes: the longest, of which each later look forgets a half."""

    @property
    def hurries(self) -> bool:
        """Whether a look is due before the next usual frame: then frames may come faster.

        Not when the latest frame had no time for all of its looks.
        """
        soon_ns = self._at_ns + FRAME_NS - EARLY_NS
        return any(due_at_ns(track) < soon_ns and not track.announced for track in self._undecided)

    def deadline_ns(self) -> int:
        """Return when the looks of a frame must end, if the frame's work begins now."""
        return self.clock_ns() + DEADLINE_NS

    def due(
        self, followed: Sequence[tuple[Face, Track]], at_ns: int, deadline_ns: int
    ) -> Iterator[tuple[Face, Track]]:
        """Yield the faces to look at, the most needed first, until the deadline.

        The caller looks at each before it asks for the next.

        Args:
            followed: the faces of the frame, with their tracks.
            at_ns: CLOCK_MONOTONIC of its exposure.
            deadline_ns: as `deadline_ns` returned it.
        """
        possible = [(face, track) for face, track in followed if self._may_pass(face, track)]
        waiting = [(face, track) for face, track in possible if _is_due(face, track, at_ns)]
        waiting.sort(key=lambda one: (_rank(one[1]), -view(one[0])))
        looked = 0
        for face, track in waiting:
            begun_ns = self.clock_ns()
            if looked and begun_ns + self._look_ns > deadline_ns:
                break
            _begin_look(track, view(face), at_ns)
            yield face, track
            looked += 1
            self._look_ns = max(self.clock_ns() - begun_ns, self._look_ns // 2)
        put_off = len(waiting) - looked
        self.counts.put_off += put_off
        self._at_ns = at_ns
        self._undecided = [] if put_off else [track for _, track in possible if track.looks]

    def _may_pass(self, face: Face, track: Track) -> bool:
        if track.announced:
            return False
        fault = refused_by_points(face, MATCHING)
        if fault is not None:
            self.counts.refuse(fault.value)
        return fault is None


def _is_due(face: Face, track: Track, at_ns: int) -> bool:
    clearer = view(face) >= CLEARER * track.clearest_view
    return clearer or at_ns >= due_at_ns(track) - EARLY_NS


def due_at_ns(track: Track) -> int:
    """Return when the next look of a track is due, unless its face becomes clearer before."""
    if not track.tries or track.agreed:
        return track.tried_ns
    most_s = PAUSE_MOST_S if track.looks >= LOOKS else PAUSE_FIRST_S
    return track.tried_ns + int(1e9 * min(most_s, PAUSE_S * 2.0 ** min(track.tries - 1, 16)))


def _begin_look(track: Track, seen: float, at_ns: int) -> None:
    track.tries = 1 if seen >= CLEARER * track.clearest_view else track.tries + 1
    track.tried_ns, track.clearest_view = at_ns, max(track.clearest_view, seen)


def _rank(track: Track) -> tuple[int, int]:
    """Return the place of a track in the order of looks: the lowest goes first.

    First those that resemble an entry; then those that were begun and not yet compared, with most
    looks first; then those without a good look; then all others, with fewest looks first.
    """
    if track.agreed:
        return 0, 0
    if track.looks >= LOOKS:
        return 3, track.looks
    return (1, -track.looks) if track.looks else (2, track.tries)
