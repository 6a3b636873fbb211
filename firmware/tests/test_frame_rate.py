"""The frame rate: which of a camera's frames are looked at."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from firmware.hardware.camera import Frame
from firmware.hardware.temperature import Thermometer
from firmware.looking.frame_rate import FrameRate
from firmware.looking.schedule import LookSchedule
from firmware.looking.tracks import Track
from firmware.record.counts import Counts
from firmware.tests.fakes import PasserBy, face_of

FACE = face_of(PasserBy(0, 0))


def frames(rate: int, seconds: float) -> list[Frame]:
    pixels = np.ones((1, 1, 3), np.uint8)
    return [Frame(pixels.copy(), at * 10**9 // rate) for at in range(round(rate * seconds))]


def rate(*, hurries: bool, thermometer: Thermometer | None = None) -> FrameRate:
    """Return a frame rate beside a schedule that has just seen one face, decided or not."""
    return FrameRate(schedule_of(seen(announced=not hurries)), thermometer or Thermometer(()))


def seen(*, announced: bool) -> Track:
    """Return a track that resembled an entry in its latest look."""
    track = Track(FACE.box, 0, 0)
    track.looks, track.agreed, track.announced = 3, 3, announced
    return track


def schedule_of(track: Track) -> LookSchedule:
    schedule = LookSchedule(Counts())
    list(schedule.due([(FACE, track)], 0, 0))
    return schedule


@pytest.mark.parametrize(("given", "looked"), [(30, 15), (20, 10), (15, 15), (10, 10), (5, 5)])
def test_of_20_frames_per_second_10_are_looked_at(given: int, looked: int) -> None:
    assert len(list(rate(hurries=False).wanted(iter(frames(given, 1))))) == looked


def test_while_a_look_is_due_every_frame_is_looked_at() -> None:
    assert len(list(rate(hurries=True).wanted(iter(frames(20, 1))))) == 20


def test_the_rate_changes_from_frame_to_frame() -> None:
    track, looked = seen(announced=False), []
    chosen = FrameRate(schedule_of(track), Thermometer(()))
    track.announced = True
    for frame in chosen.wanted(iter(frames(20, 0.5))):
        looked.append(frame.captured_ns // 10**6)
        track.announced = frame.captured_ns not in {100 * 10**6, 150 * 10**6}
    assert looked == [0, 100, 150, 200, 300, 400]


def test_a_frame_that_is_left_out_is_overwritten() -> None:
    given = frames(20, 0.1)
    list(rate(hurries=False).wanted(iter(given)))
    assert [bool(np.asarray(frame._pixels).any()) for frame in given] == [True, False]


@pytest.mark.parametrize(("thousandths", "looked"), [(69_000, 20), (71_000, 10)])
def test_near_the_temperature_limit_frames_come_no_faster(
    tmp_path: Path, thousandths: int, looked: int
) -> None:
    sensor = tmp_path / "sensor"
    sensor.write_text(f"{thousandths}\n")
    thermometer = Thermometer((sensor,))
    thermometer.check()
    wanted: Iterator[Frame] = rate(hurries=True, thermometer=thermometer).wanted(
        iter(frames(20, 1))
    )
    assert len(list(wanted)) == looked
