"""The rig's view into `watch`: when it looked, and what it must not leave behind.

On a rig a marker line says when an inference runs. On the desk the nets are wrapped, and each look
is told through a pipe into the rig's memory; templates too, so that the rig can search the disk for
them afterwards. None of this is on a camera.
"""

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from recognition.aligner import Chip
from recognition.detector import Detector
from recognition.embedder import Embedder, Template
from recognition.eye import Eye
from recognition.face import Face
from recognition.picture import Pixels


def witnessed(eye: Eye, pipe: int) -> Eye:
    """Return the same eye, telling the rig of every look."""
    return Eye(
        eye.manifest,
        _WitnessedDetector(eye.detector, pipe),
        _WitnessedEmbedder(eye.embedder, pipe),
    )


@dataclass(slots=True)
class Witness:
    """What the rig has seen of `watch`."""

    looks: list[tuple[int, int]] = field(default_factory=list)
    """CLOCK_MONOTONIC nanoseconds of the begin and end of each inference."""
    templates: list[bytes] = field(default_factory=list)
    """Every template made, kept in memory only."""

    def listen(self, pipe: int) -> threading.Thread:
        """Take in what comes through the pipe until it is closed."""
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


def files_with(folder: Path, needles: list[bytes]) -> list[Path]:
    """Return the files below `folder` that contain any of the needles."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if any(needle in content for needle in needles):
                found.append(path)
    return found


class _WitnessedDetector(Detector):
    def __init__(self, inner: Detector, pipe: int) -> None:
        super().__init__(())
        self._inner, self._pipe = inner, pipe

    def find(self, pixels: Pixels) -> list[Face]:
        begin_ns = time.monotonic_ns()
        found = self._inner.find(pixels)
        _tell(self._pipe, begin_ns, None)
        return found


class _WitnessedEmbedder(Embedder):
    def __init__(self, inner: Embedder, pipe: int) -> None:
        self._inner, self._pipe = inner, pipe

    @property
    def runtime(self) -> str:
        return self._inner.runtime

    def template(self, chip: Chip) -> Template:
        begin_ns = time.monotonic_ns()
        template = self._inner.template(chip)
        _tell(self._pipe, begin_ns, template)
        return template


def _tell(pipe: int, begin_ns: int, template: Template | None) -> None:
    said: dict[str, int | str] = {"begin_ns": begin_ns, "end_ns": time.monotonic_ns()}
    if template is not None:
        said["template"] = template.vector.tobytes().hex()
    os.write(pipe, json.dumps(said).encode() + b"\n")
