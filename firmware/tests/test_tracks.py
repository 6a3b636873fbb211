"""Passers-by as boxes whose truth is known."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from firmware.looking.search import Candidate
from firmware.looking.sight import Probe, View
from firmware.looking.tracks import TRACKS_MOST, Track, Tracks
from firmware.tests.fakes import PasserBy, face_of, template_of
from recognition.face import Box, Face
from recognition.quality import Quality
from recognition.template import fuse

FRAME_NS = 100_000_000
QUALITY = Quality(100, 40, 20, 50, 20, 0, 0)


def candidate(who: int) -> Candidate:
    face = face_of(PasserBy(who, 0))
    return Candidate(bytes([who]) * 16, 900_000, Probe(face, template_of(who), QUALITY))


def face(x: float, y: float = 100.0) -> Face:
    return face_of(PasserBy(0, x, y))


def track() -> Track:
    return Track(face(0).box, 0, 0)


def decided(*seen: int | None) -> list[bool]:
    """Return which of the probes won the vote; None resembled no entry."""
    one, wins = track(), []
    for who in seen:
        wins.append(one.vote(None if who is None else candidate(who)))
        one.announced = one.announced or wins[-1]
    return wins


def test_a_walker_stays_one_track() -> None:
    tracks = Tracks()
    seen = [tracks.follow([face(x)], x * FRAME_NS)[0][1] for x in range(0, 400, 10)]
    assert len(set(map(id, seen))) == 1
    assert seen[0].frames_seen == 40


def test_two_people_are_two_tracks() -> None:
    (_, one), (_, other) = Tracks().follow([face(0), face(300)], 0)
    assert one is not other


def test_faces_come_back_in_their_order() -> None:
    tracks = Tracks()
    (_, left), (_, right) = tracks.follow([face(0), face(300)], 0)
    pairs = tracks.follow([face(302), face(2)], FRAME_NS)
    assert [(found.box.x, track) for found, track in pairs] == [(302, right), (2, left)]


@pytest.mark.parametrize("step", [12, 20, 25])
@pytest.mark.parametrize("apart", [0, 30])
def test_people_who_cross_keep_their_tracks(step: int, apart: int) -> None:
    tracks = Tracks()
    walks = [(face(step * t, 100), face(600 - step * t, 100 + apart)) for t in range(600 // step)]
    first, *_, last = [
        [track for _, track in tracks.follow(list(pair), at * FRAME_NS)]
        for at, pair in enumerate(walks)
    ]
    assert first[0] is last[0]
    assert first[1] is last[1]


def test_a_frame_of_flickering_faces_opens_no_more_tracks_than_are_bounded() -> None:
    tracks = Tracks()
    for frame in range(20):
        tracks.follow([face(150.0 * at + 75 * (frame % 2), 150.0 * frame) for at in range(64)], 1)
    assert len(tracks._open) == TRACKS_MOST


def test_a_walker_hidden_for_half_a_second_keeps_the_track() -> None:
    tracks = Tracks()
    ((_, before),) = tracks.follow([face(0)], 0)
    for at in range(1, 10):
        tracks.follow([face(20 * at)], at * FRAME_NS)
    for at in range(10, 14):
        tracks.follow([], at * FRAME_NS)
    ((_, after),) = tracks.follow([face(20 * 14)], 14 * FRAME_NS)
    assert after is before


def test_a_track_without_a_face_for_more_than_a_second_is_closed() -> None:
    tracks = Tracks()
    ((_, before),) = tracks.follow([face(0)], 0)
    ((_, after),) = tracks.follow([face(0)], 1_000_000_001)
    assert after is not before


def test_a_track_without_a_face_for_a_second_goes_on() -> None:
    tracks = Tracks()
    ((_, before),) = tracks.follow([face(0)], 0)
    ((_, after),) = tracks.follow([face(0)], 1_000_000_000)
    assert after is before


def test_a_face_elsewhere_is_another_person() -> None:
    tracks = Tracks()
    ((_, before),) = tracks.follow([face(0)], 0)
    ((_, after),) = tracks.follow([face(130)], FRAME_NS)
    assert after is not before


def test_a_track_knows_when_it_was_first_and_last_seen() -> None:
    tracks = Tracks()
    tracks.follow([face(0)], 5)
    ((_, one),) = tracks.follow([face(1)], 7)
    assert (one.first_seen_ns, one.last_seen_ns) == (5, 7)


def test_three_sums_that_agree_win_once() -> None:
    assert decided(1, 1, 1, 1, 1, 1) == [False, False, True, False, False, False]


def test_three_of_the_last_five_suffice() -> None:
    assert decided(1, None, 1, None, 1) == [False, False, False, False, True]


def test_three_of_six_do_not_suffice() -> None:
    assert not any(decided(1, None, None, 1, None, 1))


def test_votes_for_different_entries_do_not_add_up() -> None:
    assert not any(decided(1, 2, 1, 2))


def test_a_track_decides_once_even_if_it_comes_to_look_like_another_entry() -> None:
    assert decided(1, 1, 1, 2, 2, 2, 2).count(True) == 1


def test_no_resemblance_wins_no_vote() -> None:
    assert not any(decided(None, None, None, None, None))


def test_a_track_says_how_many_looks_agreed() -> None:
    one = track()
    for who in (1, 2, 1, None, 1):
        one.vote(None if who is None else candidate(who))
    assert one.agreed == 5


def test_nothing_is_compared_before_the_third_look() -> None:
    one = track()
    compared = [one.fused_probe(candidate(1).probe) is not None for _ in range(4)]
    assert compared == [False, False, True, True]


def test_the_last_three_looks_are_compared_as_one() -> None:
    one = track()
    *_, together = [one.fused_probe(candidate(who).probe) for who in (2, 1, 1, 0)]
    assert together is not None
    expected = fuse(map(template_of, (1, 1, 0)))
    assert together.template.vector.tolist() == expected.vector.tolist()


def test_a_closed_track_leaves_no_template() -> None:
    tracks = Tracks()
    ((_, one),) = tracks.follow([face(0)], 0)
    one.fused_probe(candidate(1).probe)
    (kept,) = one._looks
    tracks.follow([], 1_000_000_001)
    assert not kept.vector.any()


def test_closing_all_tracks_leaves_no_template() -> None:
    tracks = Tracks()
    ((_, one),) = tracks.follow([face(0)], 0)
    one.fused_probe(candidate(1).probe)
    (kept,) = one._looks
    tracks.forget()
    assert not kept.vector.any()


def test_a_look_that_is_too_old_to_be_compared_is_overwritten() -> None:
    one = track()
    one.fused_probe(candidate(1).probe)
    (kept,) = one._looks
    for _ in range(3):
        one.fused_probe(candidate(1).probe)
    assert not kept.vector.any()


def test_a_new_face_may_be_more_than_its_own_height_aside_in_the_next_frame() -> None:
    one = Track(Box(0, 0, 80, 100), 0, 0)
    assert one.distance(Box(119, 0, 80, 100), 1) < 1 < one.distance(Box(121, 0, 80, 100), 1)


def test_a_face_whose_way_is_known_is_looked_for_nearer_to_where_it_is_expected() -> None:
    one = Track(Box(0, 0, 80, 100), 0, 0)
    one.move(Box(50, 0, 80, 100), 100_000_000)
    assert one.distance(Box(100, 0, 80, 100), 200_000_000) == pytest.approx(0)
    assert one.distance(Box(169, 0, 80, 100), 200_000_000) < 1
    assert one.distance(Box(171, 0, 80, 100), 200_000_000) > 1


@pytest.mark.parametrize("height", [60, 170])
def test_a_face_of_quite_another_size_is_another_face(height: float) -> None:
    one = Track(Box(0, 0, 80, 100), 0, 0)
    assert one.distance(Box(0, 0, 80, height), 1) == inf


def test_a_passer_by_who_walks_briskly_is_one_track() -> None:
    tracks = Tracks()
    seen = [
        tracks.follow([replace(face(0), box=Box(90.0 * n, 0, 80, 100))], n * 100_000_000)[0][1]
        for n in range(6)
    ]
    assert len(set(map(id, seen))) == 1


def test_two_who_cross_keep_their_tracks() -> None:
    tracks, right, left = Tracks(), [], []
    for n in range(12):
        there = [
            replace(face(0), box=Box(40 * n, 0, 80, 100)),
            replace(face(0), box=Box(440 - 40 * n, 5, 80, 100)),
        ]
        (_, one), (_, other) = tracks.follow(there, n * 100_000_000)
        right.append(one)
        left.append(other)
    assert (len(set(map(id, right))), len(set(map(id, left)))) == (1, 1)


def look(at_ns: int, sharpness_centi: int, yaw_centi: int = 0) -> View:
    measured = Quality(100, 40, sharpness_centi, 50, 20, yaw_centi, 0)
    return View(at_ns, measured, np.full((9, 8, 3), 200, np.uint8))


def test_a_track_shows_its_clearest_look_and_overwrites_the_others() -> None:
    track = Track(Box(0, 0, 10, 10), 0, 0)
    looks = [look(1, 20), look(2, 50), look(3, 30), look(4, 50, yaw_centi=60)]
    for one in looks:
        track.keep_clearest(one)
    assert track.clearest is looks[1]
    assert [one.pixels is not None and one.pixels.any() for one in looks] == [0, 1, 0, 0]


def test_a_track_that_is_closed_overwrites_the_picture_too() -> None:
    track, one = Track(Box(0, 0, 10, 10), 0, 0), look(1, 20)
    track.keep_clearest(one)
    track.forget()
    assert track.clearest is None
    assert one.pixels is not None
    assert not one.pixels.any()
