"""The scenes of the benchmarks: who is in view, the true places of heads, who is due in a crowd."""

import pytest

from benchmarks.cast import Cast
from benchmarks.crowd import Found, VirtualCamera, find, frames_for, passer_by
from benchmarks.frames import OURS, compare
from benchmarks.scenes import FRAME, PERIOD, Lanes
from benchmarks.street_watch import Announced, open_eye
from recognition.eye import Eye
from recognition.face import Box
from recognition.pixels import Pixels


@pytest.fixture(scope="module")
def eye() -> Eye:
    return open_eye()


@pytest.fixture(scope="module")
def cast(eye: Eye) -> Cast:
    return Cast.of(eye)


class Blind:
    """A peer that finds no face."""

    name = "blind"

    def __init__(self) -> None:
        self.looks = 0

    def look(self, pixels: Pixels) -> list[Box]:
        assert pixels.shape == (FRAME[1], FRAME[0], 3)
        self.looks += 1
        return []


@pytest.mark.parametrize("at_once", [1, 5, 8, 20])
def test_so_many_heads_are_in_a_frame_and_none_covers_another(cast: Cast, at_once: int) -> None:
    for number in (0, 17, 60):
        boxes = [head.box for head in Lanes(cast.people, at_once).heads(number)]
        assert len(boxes) == at_once
        for at, one in enumerate(boxes):
            for other in boxes[at + 1 :]:
                apart = abs(one.x - other.x) >= one.width or abs(one.y - other.y) >= one.height
                assert apart, (one, other)


def test_the_detector_finds_the_heads_where_they_are(eye: Eye, cast: Cast) -> None:
    scene = Lanes(cast.people, 20)
    found = [face.box for face in eye.detector.find(scene.picture(70))]
    heads = [head for head in scene.heads(70) if head.whole]
    assert len(heads) >= 12
    assert all(any(head.holds(box) for box in found) for head in heads)


def test_the_street_without_a_face_has_none_but_something_moves(eye: Eye, cast: Cast) -> None:
    scene = Lanes(cast.people, 0)
    assert scene.heads(80) == []
    assert eye.detector.find(scene.picture(80)) == []
    assert (scene.picture(80) != scene.picture(20)).any()


def test_a_passage_that_is_cut_off_is_not_due(cast: Cast) -> None:
    scene = Lanes(cast.people, 8)
    assert scene.passages(PERIOD - 1) == []
    whole = scene.passages(3 * PERIOD)
    for passage in whole:
        seen = [
            number
            for number in range(3 * PERIOD)
            if any(head.passage == passage and head.whole for head in scene.heads(number))
        ]
        assert seen[0] > 0
        assert seen[-1] < 3 * PERIOD - 1


def test_a_crowd_is_as_long_as_the_due_people_need(cast: Cast) -> None:
    scene = Lanes(cast.people, 20)
    frames = frames_for(scene, cast, 30)
    due = [one for one in scene.passages(frames) if scene.who(one) in cast.listed]
    assert len(due) >= 30
    fewer = [one for one in scene.passages(frames - PERIOD) if scene.who(one) in cast.listed]
    assert len(fewer) < 30


def test_an_announcement_is_about_the_head_at_its_place(cast: Cast) -> None:
    scene = Lanes(cast.people, 8)
    camera = VirtualCamera(scene, 1)
    head = next(head for head in scene.heads(30) if head.whole)
    at_ns = 3_000_000_000
    assert passer_by(scene, camera, Announced(at_ns, 0, head.box)) == head.passage
    assert passer_by(scene, camera, Announced(at_ns, 0, Box(-90, -90, 1, 1))) is None


def test_frames_that_a_slow_loop_misses_are_lost(cast: Cast) -> None:
    scene = Lanes(cast.people, 1)
    camera = VirtualCamera(scene, 20, clock_ns=iter(range(0, 10**12, 250_000_000)).__next__)
    with camera.running() as frames:
        taken = [camera.number(frame.captured_ns) for frame in frames]
    assert taken == camera.taken
    assert taken[:5] == [0, 2, 5, 7, 10]


def test_listed_passers_by_are_found_by_the_real_loop(eye: Eye, cast: Cast) -> None:
    found = find(eye, cast, at_once=1, least_due=1)
    assert isinstance(found, Found)
    assert (found.due, found.found, found.wrong) == (1, 1, 0)
    assert found.cpu_ms > 0


def test_peers_and_watch_look_at_the_same_frames_by_turns(eye: Eye, cast: Cast) -> None:
    peer = Blind()
    one = compare(eye, [peer], cast, faces=1, frames=40)
    assert peer.looks == 1 + 2  # The first fills its caches.
    assert len(one.ours_ms) == len(one.peers_ms[peer.name]) == 2
    assert one.recall == {OURS: 1.0, peer.name: 0.0}
    assert one.ratio.median < 1  # A peer that does nothing is faster.
