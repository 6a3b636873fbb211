"""What a person may name as the scene of the demo, and how fast it is played."""

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from hil_tests.errors import DeskRefused
from hil_tests.scenes.sources import FRAMES_PER_S, Replay, open_source


def video(path: Path, rate: float, frames: int) -> Path:
    """Write a video whose frames are of different grey."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (64, 48))
    for number in range(frames):
        writer.write(np.full((48, 64, 3), number * 20, np.uint8))
    writer.release()
    return path


def shades(source: str) -> list[int]:
    """Return the grey of each picture that is played, in steps of 20."""
    camera = open_source(source)
    assert isinstance(camera, Replay)
    return [round(float(pixels.mean()) / 20) for pixels in camera.pictures()]


@pytest.mark.parametrize(
    ("rate", "played"),
    [
        (1, [0] * 20 + [1] * 20 + [2] * 20),
        (10, [0, 0, 1, 1, 2, 2]),
        (20, [0, 1, 2]),
    ],
)
def test_a_slow_video_is_played_in_real_time(
    tmp_path: Path, rate: float, played: list[int]
) -> None:
    assert shades(str(video(tmp_path / "slow.avi", rate, 3))) == played


@pytest.mark.parametrize(("rate", "frames"), [(60, 12), (30, 12), (25, 10)])
def test_a_fast_video_loses_frames_and_keeps_its_time(
    tmp_path: Path, rate: float, frames: int
) -> None:
    played = shades(str(video(tmp_path / "fast.avi", rate, frames)))
    assert len(played) == round(frames / rate * FRAMES_PER_S)
    assert played[0] == 0


def test_a_picture_is_a_scene_of_ten_seconds(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "red").save(tmp_path / "photo.jpg")
    camera = open_source(str(tmp_path / "photo.jpg"))
    assert isinstance(camera, Replay)
    assert len(list(islice(camera.pictures(), 1000))) == 10 * FRAMES_PER_S


@pytest.mark.parametrize("address", ["rtsp://192.0.2.1/live", "http://camera.example/video.mjpg"])
def test_an_address_is_refused_with_the_reason(address: str) -> None:
    with pytest.raises(DeskRefused, match="never at a network"):
        open_source(address)
