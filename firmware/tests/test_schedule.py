"""The look schedule: each rule by who is looked at, in which order, and when."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from firmware.looking.schedule import (
    DEADLINE_NS,
    FRAME_NS,
    PAUSE_FIRST_S,
    PAUSE_MOST_S,
    LookSchedule,
)
from firmware.looking.tracks import LOOKS, OF, Track
from firmware.record.counts import Counts
from firmware.tests.fakes import PasserBy, face_of
from recognition.face import Face

LOOK_NS = 20_000_000
S = 1_000_000_000


def track(*, looks: int = 0, agreed: int = 0, announced: bool = False) -> Track:
    """Return a track that was looked at so often, a minute before the tests' frames."""
    one = Track(face_of(PasserBy(0, 0)).box, 0, 0)
    one.looks = one.tries = looks
    one.agreed, one.announced, one.clearest_view = agreed, announced, 40.0 if looks else 0.0
    return one


@dataclass
class Street:
    """A schedule with a clock that looks alone move."""

    look_ns: int = LOOK_NS
    counts: Counts = field(default_factory=Counts)
    now_ns: int = 0

    def __post_init__(self) -> None:
        self.schedule = LookSchedule(self.counts, lambda: self.now_ns)

    def frame(
        self, at_s: float, *followed: Track, size: float = 100.0, good: bool = True
    ) -> list[Track]:
        """Return the tracks that a frame looked at, in order; all faces are alike."""
        faces = [(face_of(PasserBy(0, 0), size), one) for one in followed]
        return self.seen(at_s, *faces, good=good)

    def seen(self, at_s: float, *followed: tuple[Face, Track], good: bool = True) -> list[Track]:
        looked, deadline_ns = [], self.schedule.deadline_ns()
        for _, one in self.schedule.due(followed, int(at_s * S), deadline_ns):
            self.now_ns += self.look_ns
            one.looks += good
            looked.append(one)
        return looked

    def looks(self, one: Track, seconds: float, rate: int = 20) -> list[float]:
        """Return when a track in view for so long is looked at."""
        frames = [60 + number / rate for number in range(round(seconds * rate))]
        return [round(at_s - 60, 3) for at_s in frames if self.frame(at_s, one)]


def test_pauses_between_looks_double() -> None:
    assert Street().looks(track(), 7) == [0, 0.05, 0.15, 0.35, 0.75, 1.55, 3.15, 6.35]


def test_a_person_who_stands_for_a_minute_is_looked_at_13_times_and_not_1200() -> None:
    assert len(Street().looks(track(), 60)) == 13


def test_a_person_who_stays_is_looked_at_again_after_the_longest_pause() -> None:
    times = Street().looks(track(), 60)
    assert round(times[-1] - times[-2], 3) == PAUSE_MOST_S


def test_an_announced_passer_by_is_not_looked_at() -> None:
    assert Street().frame(60, track(announced=True), track(looks=3, announced=True)) == []


def test_a_face_that_resembles_an_entry_is_looked_at_in_every_frame() -> None:
    assert Street().looks(track(looks=9, agreed=3), 0.3) == [0, 0.05, 0.1, 0.15, 0.2, 0.25]


def test_a_face_seen_much_more_clearly_begins_its_pauses_anew() -> None:
    street, one = Street(), track()
    for at_s in (60.0, 60.1, 60.2, 60.4):
        street.frame(at_s, one, size=60)
    assert street.frame(60.5, one, size=60) == []
    assert street.frame(60.6, one, size=100) == [one]
    assert street.frame(60.7, one, size=100) == [one]


@pytest.mark.parametrize(("size", "fault"), [(40, "refused_small"), (100, "refused_turned")])
def test_a_face_refused_by_its_points_is_counted_and_no_chip_is_cut(
    size: float, fault: str
) -> None:
    street, one, face = Street(), track(), face_of(PasserBy(0, 0), size)
    if fault == "refused_turned":
        face = replace(face, points=replace(face.points, nose=face.points.left_eye))
    assert street.seen(60, (face, one)) == []
    assert (street.counts.to_body()[fault], one.tries) == (1, 0)


def test_a_refused_look_is_tried_again_in_the_next_frame() -> None:
    street, one = Street(), track()
    tried = [bool(street.frame(60 + number / 10, one, good=False)) for number in range(20)]
    assert all(tried)


def test_after_refused_looks_the_first_sum_is_as_near_as_before() -> None:
    street, one = Street(), track()
    frames = [60 + number / 20 for number in range(12)]
    looked = [at_s for at_s in frames if street.frame(at_s, one, good=one.tries > 2)]
    pauses = [round(after - before, 3) for before, after in pairwise(looked)]
    assert one.looks == LOOKS
    assert max(pauses) <= PAUSE_FIRST_S


def test_who_is_nearest_to_a_decision_goes_first() -> None:
    resembles, begun, new, known = (
        track(looks=4, agreed=3),
        track(looks=2),
        track(),
        track(looks=OF + 1),
    )
    order = Street(look_ns=1).frame(60, known, new, begun, resembles)
    assert [id(one) for one in order] == [id(one) for one in (resembles, begun, new, known)]


def test_of_two_new_faces_the_clearer_goes_first() -> None:
    far, near = track(), track()
    pairs = [(face_of(PasserBy(0, 0), 60), far), (face_of(PasserBy(0, 0), 120), near)]
    assert Street(look_ns=1).seen(60, *pairs) == [near, far]


@pytest.mark.parametrize("people", [1, 5, 20, 100])
def test_a_frame_keeps_its_deadline_whatever_is_in_view(people: int) -> None:
    street = Street()
    street.frame(59, track())
    begun_ns = street.now_ns
    street.frame(60, *(track() for _ in range(people)))
    assert street.now_ns - begun_ns <= DEADLINE_NS < FRAME_NS


def test_looks_that_take_longer_than_a_frame_are_made_one_by_one() -> None:
    street = Street(look_ns=2 * FRAME_NS)
    street.frame(59, track())
    assert [len(street.frame(60 + at, track(), track())) for at in range(3)] == [1, 1, 1]


def test_what_was_due_and_not_looked_at_is_counted_and_comes_next() -> None:
    street, people = Street(), [track() for _ in range(6)]
    street.frame(59, track())
    first = street.frame(60, *people)
    assert (len(first), street.counts.put_off) == (4, 2)
    left = [one for one in people if one not in first]
    for at in range(1, 8):
        street.frame(60 + at / 10, *people)
    assert all(one.looks for one in left)


def test_looks_become_as_many_again_when_the_machine_is_free_again() -> None:
    street = Street(look_ns=70_000_000)
    street.frame(59, track())
    street.look_ns = LOOK_NS
    made = [len(street.frame(60 + at, *(track() for _ in range(9)))) for at in range(4)]
    assert made[-1] == DEADLINE_NS // LOOK_NS


def test_frames_may_come_faster_only_while_a_look_is_due_and_there_is_time_for_it() -> None:
    street, one = Street(), track()
    street.frame(60, one)
    assert street.schedule.hurries
    for at_s in (60.05, 60.15, 60.35):
        street.frame(at_s, one)
    assert not street.schedule.hurries
    street.frame(61, *(track() for _ in range(9)))
    assert not street.schedule.hurries
    street.frame(62)
    assert not street.schedule.hurries


def test_a_face_that_turns_away_makes_no_frame_come_faster() -> None:
    street, one, face = Street(), track(), face_of(PasserBy(0, 0))
    street.seen(60, (face, one))
    assert street.schedule.hurries
    turned = replace(face, points=replace(face.points, nose=face.points.left_eye))
    street.seen(60.1, (turned, one))
    assert not street.schedule.hurries
