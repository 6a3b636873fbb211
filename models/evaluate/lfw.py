"""Faces in a ZIP of `Person_Name/picture.jpg` (as LFW), detected and measured as on a camera.

The faces in such sets are centred, so the face nearest the middle is taken. A picture at the top
level of the ZIP counts as a person of its own.
"""

import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from inspect import getfile
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.evaluate.cache import Rows, cached, digest_of
from recognition import aligner, detector, quality
from recognition.detector import Detector
from recognition.face import Box, Face, Point, Points
from recognition.manifest import load_uncalibrated
from recognition.pixels import Pixels
from recognition.quality import Quality, measure

CODE: Final = [Path(getfile(part)) for part in (aligner, detector, quality)]
"""The code that a face depends on, besides the nets."""

CHUNK: Final = 8
"""Pictures that a child process takes at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One face of each picture that has one."""

    archive: Path
    digest: str
    """SHA-256 of the archive."""
    origins: tuple[object, ...]
    """What the faces depend on: archive, detectors and code."""
    pictures: int
    """Number of pictures in the archive."""
    places: NDArray[np.int64]
    """(n,), the number of the picture that each face is in."""
    people: NDArray[np.int32]
    """(n,), one number per person from 0 on."""
    faces: tuple[Face, ...]
    qualities: tuple[Quality, ...]

    @property
    def names(self) -> list[str]:
        """The path of the picture that each face is in, inside the archive."""
        every = [name for _, name in _named(self.archive)]
        return [every[place] for place in self.places]

    def first(self, count: int) -> "Found":
        """Return the first `count` faces only."""
        return self.some(np.arange(count))

    def some(self, chosen: NDArray[np.int64]) -> "Found":
        """Return the chosen faces only."""
        return replace(
            self,
            origins=(self.origins, chosen.tolist()),
            places=self.places[chosen],
            people=self.people[chosen],
            faces=tuple(self.faces[at] for at in chosen),
            qualities=tuple(self.qualities[at] for at in chosen),
        )

    def each(self, make: Callable[[Pixels, Face], Rows], *origins: object) -> Rows:
        """Return the rows of `make` for every face, cached.

        Args:
            make: computes a row from a picture and the face in it.
            origins: what the rows depend on, besides the faces.
        """

        def rows() -> Rows:
            return map_in_parallel(
                lambda one: make(*one), self.pictures_with_faces(), str(origins[0])
            )

        return cached((self.origins, origins), rows)

    def pictures_with_faces(self) -> Iterator[tuple[Pixels, Face]]:
        """Yield each picture with its face."""
        wanted = dict(zip(self.places.tolist(), self.faces, strict=True))
        told = enumerate(pictures(self.archive))
        return ((pixels, wanted[at]) for at, (_, pixels) in told if at in wanted)


def find(archive: Path, models: Path) -> Found:
    """Return the faces in `archive` that the nets in `models` find."""
    _, entries = load_uncalibrated(models)
    nets = [entry.net.digest.hex() for entry in entries]
    origins = (digest_of(archive), nets, [digest_of(path) for path in CODE])

    def rows() -> Rows:
        eye = Detector.load(models, entries)
        seen = (pixels for _, pixels in pictures(archive))
        return map_in_parallel(lambda pixels: _row(eye, pixels), seen, f"{archive.name}, faces")

    stored = cached(origins, rows)
    places = np.flatnonzero(~np.isnan(stored[:, 0]))
    names = np.array([name for name, _ in _named(archive)])[places]
    return Found(
        archive=archive,
        digest=origins[0],
        origins=origins,
        pictures=len(stored),
        places=places,
        people=np.unique(names, return_inverse=True)[1].astype(np.int32),
        faces=tuple(_face(row) for row in stored[places].tolist()),
        qualities=tuple(Quality(*map(round, row[15:])) for row in stored[places].tolist()),
    )


def pictures(archive: Path) -> Iterator[tuple[str, Pixels]]:
    """Yield every picture in the archive with its person."""
    with zipfile.ZipFile(archive) as pack:
        for person, name in _named(archive):
            with Image.open(BytesIO(pack.read(name))) as picture:
                yield person, np.array(picture.convert("RGB"))


def central(faces: list[Face], pixels: Pixels) -> Face:
    """Return the face nearest the middle of the picture."""
    height, width = pixels.shape[:2]

    def off(face: Face) -> float:
        box = face.box
        return abs(box.x + (box.width - width) / 2) + abs(box.y + (box.height - height) / 2)

    return min(faces, key=off)


def _named(archive: Path) -> list[tuple[str, str]]:
    """Return person and name of every picture in the archive."""
    with zipfile.ZipFile(archive) as pack:
        paths = [PurePosixPath(name) for name in sorted(pack.namelist())]
    shown = [path for path in paths if path.suffix in {".jpg", ".png"}]
    return [(path.parent.name or path.stem, str(path)) for path in shown]


def _row(eye: Detector, pixels: Pixels) -> Rows:
    faces = eye.find(pixels)
    if not faces:
        return np.full(22, np.nan)
    face = central(faces, pixels)
    places = [length for point in astuple(face.points) for length in point]
    return np.array([*astuple(face.box), face.score, *places, *astuple(measure(pixels, face))])


def _face(row: list[float]) -> Face:
    points = [Point(*row[at : at + 2]) for at in range(5, 15, 2)]
    return Face(Box(*row[:4]), row[4], Points(*points))


def map_in_parallel(make: Callable[[Any], Rows], things: Iterable[Any], what: str) -> Rows:
    """Return the row of `make` for each thing, computed on all cores; print the progress."""
    _Child.make = make
    made = []
    # A forked child has the nets already. Each net runs on one thread.
    with get_context("fork").Pool() as pool:
        for count, one in enumerate(pool.imap(_Child.call, things, CHUNK), 1):
            made.append(one)
            if count % 500 == 0:
                print(f"{what}: {count}", file=sys.stderr)
    return np.array(made, np.float64)


class _Child:
    """The function of a forked child: set before the fork, because a closure cannot be pickled."""

    make: ClassVar[Callable[[Any], Rows]]

    @classmethod
    def call(cls, thing: object) -> Rows:
        return cls.make(thing)
