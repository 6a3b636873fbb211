"""Templates of every picture in a ZIP of `Person_Name/picture.jpg`, as the camera makes them.

The faces in such sets are centred, so of several the one nearest the middle is taken.
"""

import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.aligner import align
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.face import Face
from recognition.manifest import load_uncalibrated
from recognition.picture import Pixels


@dataclass(frozen=True, slots=True)
class Gathered:
    """The templates of one set."""

    templates: NDArray[np.int8]
    """(n, 128)."""
    people: NDArray[np.int32]
    """(n,), one number per person."""
    pictures: int
    """Pictures looked at; those without a found face gave no template."""
    runtime: str


def gather(archive: Path, models: Path) -> Gathered:
    """Return the templates of all pictures in `archive`, made with the nets in `models`."""
    embedder_entry, detector_entries = load_uncalibrated(models)
    detector = Detector.load(models, detector_entries)
    embedder = Embedder.load(models, embedder_entry)
    templates, people = [], []
    numbers: dict[str, int] = {}
    count = 0
    for person, pixels in pictures(archive):
        count += 1
        if count % 500 == 0:
            print(f"{count} pictures", file=sys.stderr)
        if faces := detector.find(pixels):
            chip = align(pixels, central(faces, pixels))
            templates.append(embedder.template(chip).vector)
            people.append(numbers.setdefault(person, len(numbers)))
    return Gathered(np.stack(templates), np.array(people, np.int32), count, embedder.runtime)


def pictures(archive: Path) -> Iterator[tuple[str, Pixels]]:
    """Yield every picture in the archive with the name of the folder it lies in."""
    with zipfile.ZipFile(archive) as pack:
        for name in sorted(pack.namelist()):
            path = PurePosixPath(name)
            if path.suffix in {".jpg", ".png"}:
                with Image.open(BytesIO(pack.read(name))) as picture:
                    yield path.parent.name, np.array(picture.convert("RGB"))


def central(faces: list[Face], pixels: Pixels) -> Face:
    """Return the face nearest the middle of the picture."""
    height, width = pixels.shape[:2]

    def off(face: Face) -> float:
        box = face.box
        return abs(box.x + (box.width - width) / 2) + abs(box.y + (box.height - height) / 2)

    return min(faces, key=off)
