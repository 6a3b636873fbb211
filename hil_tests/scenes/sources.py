"""Sources of frames for the desk: the drawn street, a video, a folder of pictures, or a webcam.

Each source is paced like a camera and drops no frame, so that two runs see the same. The wheel of a
camera holds none of these sources.
"""

import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Final

import cv2

from firmware.hardware.camera import Camera, Frame, PiCamera
from hil_tests.errors import DeskRefused
from hil_tests.scenes.picamera import DeskPicamera2
from hil_tests.scenes.street import street
from recognition.errors import PictureRefused
from recognition.picture import read_picture
from recognition.pixels import Pixels

FRAMES_PER_S: Final = 20
PICTURE_S: Final = 1.0
"""How long each picture of a folder is shown: long enough for a track to agree."""
ALONE_S: Final = 10
"""How long a picture that is the whole scene is shown."""
PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
"""Endings of files that are one picture, and no video."""
ROUNDING: Final = 1e-9
"""Error of adding a step: three thirds are one."""
RATE_MAX: Final = 1000.0
"""Frames per second above which a video does not know its own rate."""
STREET: Final = "street"
WITH_PEOPLE: Final = 100
"""Number of a picture of the street with two people in it."""
QUIET_PICTURES: Final = 7
"""Pictures of an empty street that are shown in turn."""
STALLS_AFTER: Final = 40
"""Frames of the source `stall` before it stops."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A camera of prepared pictures."""

    pictures: Callable[[], Iterator[Pixels]]

    @contextmanager
    def running(self) -> Generator[Iterator[Frame]]:
        """Have the first picture ready, then give each when its time has come."""
        pictures = self.pictures()
        first = next(pictures, None)
        yield self._paced(pictures if first is None else chain([first], pictures))

    @staticmethod
    def _paced(pictures: Iterator[Pixels]) -> Iterator[Frame]:
        due_s = time.monotonic()
        for pixels in pictures:
            time.sleep(max(0.0, due_s - time.monotonic()))
            due_s = max(due_s, time.monotonic() - 1 / FRAMES_PER_S) + 1 / FRAMES_PER_S
            yield Frame(pixels, time.monotonic_ns())


def open_source(name: str) -> Camera:
    """Return the source that a person named: `street`, a video, a picture, a folder, a webcam.

    Four more are for rigs: `still`, a person who stays; `grey`, the same in infrared light;
    `quiet`, a street without people, with a sensor's noise; and `stall`, the camera's own code on a
    double of picamera2 that stops giving frames.

    Raises:
        DeskRefused: there is nothing to read there, or it is on a network.
        PictureRefused: the picture cannot be read.
    """
    if name == STREET:
        return Replay(street)
    if name in {"still", "grey"}:
        return Replay(lambda: _still(grey=name == "grey"))
    if name == "quiet":
        return Replay(_quiet)
    if name == "stall":
        device = DeskPicamera2(stalls_after=STALLS_AFTER, frames_per_s=FRAMES_PER_S)
        return PiCamera(lambda: device)
    if name.isdecimal():
        return Replay(lambda: _captured(_opened(int(name), f"The webcam {name}")))
    return _file(name)


def _file(name: str) -> Replay:
    """Return a video, a picture or a folder of pictures as a scene."""
    if "://" in name:
        raise DeskRefused(
            f"{name} is an address: a camera looks through its own sensor, and never at a network. "
            "Save a piece of it as a video, and name that."
        )
    path = Path(name)
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise DeskRefused(f"There is no file or folder {path}: check SOURCE.")
    if path.suffix.lower() in PICTURES:
        picture = read_picture(path)
        return Replay(lambda: (picture.copy() for _ in range(ALONE_S * FRAMES_PER_S)))
    _opened(str(path), f"The video {path}").release()
    return Replay(lambda: _captured(_opened(str(path), f"The video {path}")))


def _still(*, grey: bool) -> Iterator[Pixels]:
    """Yield one picture of the street with a person in it, without end."""
    picture = _street_with_person(grey=grey)
    while True:
        yield picture.copy()


@cache
def _street_with_person(*, grey: bool) -> Pixels:
    """Return that picture; drawing it takes seconds, which no camera needs to start again."""
    picture = next(islice(street(), WITH_PEOPLE, None))
    if grey:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return picture


def _quiet() -> Iterator[Pixels]:
    """Yield the street without people, each picture with other noise, without end."""
    for picture in cycle(list(islice(street(walks=()), QUIET_PICTURES))):
        yield picture.copy()


def _folder(path: Path) -> Replay:
    pictures = []
    for file in sorted(path.iterdir()):
        try:
            pictures.append(read_picture(file))
        except PictureRefused:
            continue
    if not pictures:
        raise DeskRefused(f"The folder {path} holds no picture that can be read: check SOURCE.")
    shown = round(PICTURE_S * FRAMES_PER_S)
    return Replay(lambda: (one.copy() for one in pictures for _ in range(shown)))


def _opened(source: str | int, named: str) -> "cv2.VideoCapture":
    # This module says in one sentence what is wrong. OpenCV and FFmpeg say nothing beside it.
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    cv2.setLogLevel(0)
    capture = cv2.VideoCapture(source)
    if not capture.isOpened():
        raise DeskRefused(f"{named} cannot be read: check SOURCE.")
    return capture


def _captured(capture: "cv2.VideoCapture") -> Iterator[Pixels]:
    """Yield `FRAMES_PER_S` pictures of each second: leave frames out, or show them again."""
    rate = capture.get(cv2.CAP_PROP_FPS)
    step = FRAMES_PER_S / rate if 0 < rate <= RATE_MAX else 1.0
    due = max(0.0, 1.0 - step)  # The first frame is shown.
    while True:
        there, picture = capture.read()
        if not there:
            break
        due += step + ROUNDING
        while due >= 1:
            due -= 1
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    capture.release()
