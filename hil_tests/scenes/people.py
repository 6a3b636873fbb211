"""The people of a crowd: the two portraits of the demo, or the people in a ZIP of pictures.

Of a person with several pictures, one is the enrolment picture for the list and the others are
shown as the person passes. So no person is recognised by the picture that is on the list. A head
from a ZIP gets a coat, so that it hides a person who walks behind it.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Final

import cv2
import numpy as np
from PIL import Image

from hil_tests.scenes.drawing import Figure, cut_out
from hil_tests.scenes.portraits import Person, portrait
from recognition.detector import Detector
from recognition.face import Box
from recognition.picture import read_picture
from recognition.pixels import Pixels

PASSING_PICTURES: Final = 3
"""Most pictures that one passer-by shows in turn."""
COATED: Final = 2.4
"""Height of head and coat, in heights of the picture."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """A person's picture, cut out, as the person passes."""

    figure: Figure
    head: Box
    """Of the face, in the figure's pixels."""


@dataclass(frozen=True, slots=True)
class Pedestrian:
    """One person of a crowd."""

    enrolment: bytes
    """The picture file for the list."""
    appearances: tuple[Appearance, ...]
    """Shown in turn; at least one."""
    scale: float
    """Of the figures, for a head of ordinary size."""


def portrayed(detector: Detector) -> list[Pedestrian]:
    """Return the two people of the demo; each is shown by the portrait that is on the list."""
    people = []
    for person in Person:
        picture = read_picture(portrait(person))
        appearance = Appearance(cut_out(picture), detector.find(picture)[0].box)
        people.append(Pedestrian(portrait(person).read_bytes(), (appearance,), 0.8))
    return people


def archived(archive: Path, detector: Detector) -> Iterator[Pedestrian]:
    """Yield the people in a ZIP of `Person_Name/picture.jpg` whose face the detector finds.

    Args:
        archive: each folder in it is one person.
        detector: finds the faces.
    """
    with zipfile.ZipFile(archive) as pack:
        names = sorted(name for name in pack.namelist() if name.endswith((".jpg", ".png")))
        for _, files in groupby(names, key=lambda name: PurePosixPath(name).parent):
            pictures = [pack.read(name) for name in files]
            passing = pictures[1:] or pictures
            appearances = [
                _dressed(one, detector, pictures[0]) for one in passing[:PASSING_PICTURES]
            ]
            if found := tuple(one for one in appearances if one is not None):
                yield Pedestrian(pictures[0], found, 0.85)


def _dressed(file: bytes, detector: Detector, own: bytes) -> Appearance | None:
    """Return the middle face of a picture over a coat, whose colour `own` decides; None without."""
    with Image.open(BytesIO(file)) as opened:
        picture: Pixels = np.array(opened.convert("RGB"))
    height, width = picture.shape[:2]
    middle = [
        face.box
        for face in detector.find(picture)
        if abs(face.box.x + face.box.width / 2 - width / 2) < width / 8
    ]
    if not middle:
        return None
    box = max(middle, key=lambda box: box.height)
    pixels = np.empty((round(COATED * height), width, 3), np.uint8)
    pixels[:] = np.random.default_rng(list(sha256(own).digest())).integers(30, 160, 3)
    pixels[:height] = picture
    cover = np.zeros(pixels.shape[:2], np.uint8)
    centre = round(box.x + box.width / 2), round(box.y + box.height / 2)
    cv2.ellipse(
        cover, centre, (round(0.8 * box.width), round(0.85 * box.height)), 0, 0, 360, 255, -1
    )
    coat = np.zeros_like(cover)
    shoulders = centre[0], round(box.y + 1.15 * box.height)
    cv2.ellipse(coat, shoulders, (2 * width // 5, height // 4), 0, 180, 360, 255, cv2.FILLED)
    coat[shoulders[1] :, width // 10 : width - width // 10] = 255
    coat &= ~cover
    pixels[coat > 0] = pixels[-1, 0]
    return Appearance(Figure(pixels, cv2.GaussianBlur(cover | coat, (0, 0), 2.0)), box)
