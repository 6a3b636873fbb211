"""The inference marker of desk and virtual camera: reports each look of `watch` to the rig.

The nets are wrapped. Each look is reported through a pipe or a socket into the rig's memory, with
templates and a few pixels of skin. With them the rig searches the disk afterwards for what `watch`
must not leave behind. A real camera has none of this: there a GPIO line is the marker.
"""

import json
import os
import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import numpy as np

from recognition.aligner import Chip
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.eye import Eye
from recognition.face import Face
from recognition.pixels import Pixels
from recognition.template import Side, Template


def witnessed(eye: Eye, pipe: int) -> Eye:
    """Return the same eye, which reports each look to the rig."""
    return Eye(
        eye.manifest,
        _WitnessedDetector(eye.detector, pipe),
        _WitnessedEmbedder(eye.embedder, pipe),
    )


DISTINCT: Final = 8
"""Different bytes that pixels must have to be distinct from other data."""
PICTURE: Final = re.compile(
    rb"\xff\xd8\xff(?:\xe0..JFIF|\xe1..Exif|\xee..Adobe|\xdb\x00[\x43\x84])"
    rb"|\x89PNG\r\n|RIFF....WEBP|GIF8[79]a|\x93NUMPY",
    re.DOTALL,
)
"""How JPEG, PNG, WEBP, GIF and NumPy files begin. Of JPEG more than four bytes: the weights
of a net hold those by chance."""


@dataclass(slots=True)
class Witness:
    """The reports of `watch`, as the rig received them."""

    looks: list[tuple[int, int]] = field(default_factory=list)
    """CLOCK_MONOTONIC nanoseconds of the begin and end of each inference."""
    templates: list[bytes] = field(default_factory=list)
    """Every template made, kept in memory only."""
    skin: list[bytes] = field(default_factory=list)
    """A few pixels in a row from the middle of every face, kept in memory only."""

    def listen(self, pipe: int) -> threading.Thread:
        """Start a thread that receives reports through the pipe until it is closed."""
        thread = threading.Thread(target=self._listen, args=(pipe,), daemon=True)
        thread.start()
        return thread

    def _listen(self, pipe: int) -> None:
        with os.fdopen(pipe, "rb") as lines:
            for line in lines:
                said = json.loads(line)
                self.looks.append((said["begin_ns"], said["end_ns"]))
                if "template" in said:
                    self.templates.append(bytes.fromhex(said["template"]))
                self.skin += [bytes.fromhex(pixels) for pixels in said.get("skin", ())]

    def needles(self) -> list[bytes]:
        """Return what must be in no file: templates and skin, in each likely form."""
        skin = [pixels for pixels in self.skin if len(set(pixels)) >= DISTINCT]
        return [*skin, *(form for one in self.templates for form in _forms(one))]


class WitnessServer:
    """Listens on a local socket for witnesses in other processes. A context manager.

    Every connection is one start of `watch`.
    """

    def __init__(self, witness: Witness, path: Path) -> None:
        """Open the socket at `path`, for every user."""
        self._witness = witness
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._socket.listen()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # Wakes the thread that accepts.
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):  # The socket was closed.
            while True:
                connection, _ = self._socket.accept()
                self._witness.listen(connection.detach())


def files_with(folder: Path, needles: Sequence[bytes]) -> list[Path]:
    """Return the files below `folder` that contain a needle, or a picture of any kind."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if PICTURE.search(content) or any(needle in content for needle in needles):
                found.append(path)
    return found


def _forms(template: bytes) -> Iterator[bytes]:
    vector = np.frombuffer(template, np.int8)
    yield template
    yield template.hex().encode()
    yield b64encode(template)[:-4]
    for kind in (np.int32, np.float32, np.float64):
        yield vector.astype(kind).tobytes()


class _WitnessedDetector(Detector):
    def __init__(self, inner: Detector, pipe: int) -> None:
        super().__init__(())
        self._inner, self._pipe = inner, pipe

    def find(self, pixels: Pixels) -> list[Face]:
        begin_ns = time.monotonic_ns()
        found = self._inner.find(pixels)
        end_ns = time.monotonic_ns()
        skin = [_skin(pixels, face).hex() for face in found]
        _tell(self._pipe, {"begin_ns": begin_ns, "end_ns": end_ns, "skin": skin})
        return found


class _WitnessedEmbedder(Embedder):
    def __init__(self, inner: Embedder, pipe: int) -> None:
        self._inner, self._pipe = inner, pipe

    @property
    def runtime(self) -> str:
        return self._inner.runtime

    def template(self, chip: Chip, side: Side = Side.BOTH) -> Template:
        begin_ns = time.monotonic_ns()
        template = self._inner.template(chip, side)
        end_ns, vector = time.monotonic_ns(), template.vector.tobytes()
        _tell(self._pipe, {"begin_ns": begin_ns, "end_ns": end_ns, "template": vector.hex()})
        return template


def _skin(pixels: Pixels, face: Face) -> bytes:
    """Return 24 bytes of the picture from the middle of the face."""
    row, column = round(face.points.nose.y), round(face.points.nose.x)
    return pixels[row : row + 1, column : column + 8].tobytes() or b"outside the picture"


def _tell(pipe: int, said: Mapping[str, int | str | Sequence[str]]) -> None:
    os.write(pipe, json.dumps(said).encode() + b"\n")
