"""A double of picamera2's `Picamera2`: the same calls, with the traps of the real one.

It may give another format than it was asked for, in rows that are wider than the picture. It has a
few buffers and stops when they are not given back. A stalled one does not answer. The tests of
`hil_tests/tests/contract/test_camera.py` hold for this double and for the real picamera2.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.pixels import Pixels

ALIGNED: Final = 64
"""Rows of a Pi's streams begin at multiples of so many bytes."""


def bars() -> Iterator[Pixels]:
    """Yield eight upright colour bars, without end."""
    colours = [(235, 235, 235), (220, 220, 20), (20, 220, 220), (20, 200, 20)]
    colours += [(200, 20, 200), (200, 20, 20), (20, 20, 200), (16, 16, 16)]
    picture = np.repeat(np.array(colours, np.uint8)[None], 960, axis=0).repeat(160, axis=1)
    while True:
        yield picture.copy()


@dataclass(slots=True)
class Request:
    """One completed picture, held until it is released."""

    planes: dict[str, NDArray[np.uint8]]
    taken_ns: int
    give_back: Callable[[], None]
    released: bool = False

    def make_buffer(self, name: str) -> NDArray[np.uint8]:
        """Return a copy of the stream's bytes, flat."""
        return self.planes[name].copy()

    def get_metadata(self) -> dict[str, int]:
        """Return when the picture was exposed, in nanoseconds of CLOCK_MONOTONIC."""
        return {"SensorTimestamp": self.taken_ns}

    def release(self) -> None:
        """Give the buffers back."""
        if not self.released:
            self.released = True
            self.give_back()


@dataclass(slots=True)
class DeskPicamera2:
    """A camera of prepared pictures."""

    pictures: Callable[[], Iterator[Pixels]] = bars
    form: str = "YUV420"
    """The format that it gives, also when another one is asked for."""
    stalls_after: int | None = None
    """It gives so many pictures and then none, as one whose cable is loose."""
    frames_per_s: float = 0.0
    """0: as fast as they are taken."""
    _streams: dict[str, dict[str, Any]] = field(default_factory=dict)
    _free: int = 0
    _source: Iterator[Pixels] | None = None
    _running: bool = False
    _given: int = 0
    _due_s: float = 0.0

    def create_preview_configuration(
        self,
        main: dict[str, Any],
        lores: dict[str, Any],
        controls: dict[str, Any],
        buffer_count: int,
    ) -> dict[str, Any]:
        """Return what is asked for."""
        return {
            "main": main,
            "lores": lores,
            "controls": controls,
            "buffer_count": buffer_count,
        }

    def configure(self, wanted: dict[str, Any]) -> None:
        """Take what is asked for, and adjust it without a word."""
        if self._source is not None:
            raise RuntimeError("Camera must be stopped before configuring")
        self._free = wanted["buffer_count"]
        self._streams = {name: self._adjusted(wanted[name]["size"]) for name in ("main", "lores")}

    def camera_configuration(self) -> dict[str, Any]:
        """Return what it really gives."""
        return {name: dict(stream) for name, stream in self._streams.items()}

    def start(self) -> None:
        """Begin to take pictures."""
        self._source, self._running = self._source or self.pictures(), True
        self._due_s = time.monotonic()

    def stop(self) -> None:
        """Stop taking pictures."""
        self._running = False

    def close(self) -> None:
        """Give the camera back."""
        self._source = None

    def capture_request(self, wait: bool | None = None) -> str:  # noqa: FBT001  # picamera2's own signature.
        """Return a job for the next picture."""
        if wait is not False:
            raise RuntimeError("This program never waits without end.")
        return "job"

    def wait(self, job: str, timeout: float) -> Request:  # noqa: ARG002  # picamera2's signature.
        """Return the next picture.

        Raises:
            TimeoutError: none comes: all buffers are held, or the camera has stalled.
        """
        silent = not self._running or self._given == self.stalls_after
        if silent or self._free == 0 or self._source is None:
            time.sleep(timeout)
            raise TimeoutError
        if self.frames_per_s:
            time.sleep(max(0.0, self._due_s - time.monotonic()))
            self._due_s += 1 / self.frames_per_s
        picture = next(self._source)
        taken_ns = time.monotonic_ns()
        self._free -= 1
        self._given += 1
        planes = {name: _planes(picture, stream) for name, stream in self._streams.items()}
        return Request(planes, taken_ns, self._take_back)

    def _take_back(self) -> None:
        self._free += 1

    def _adjusted(self, size: tuple[int, int]) -> dict[str, Any]:
        width, height = (side // 2 * 2 for side in size)
        stride = -(-width // ALIGNED) * ALIGNED
        stride += ALIGNED if width == stride else 0  # Wider than asked for, as on a CM5.
        return {"format": self.form, "size": (width, height), "stride": stride}


def _planes(picture: Pixels, stream: dict[str, Any]) -> NDArray[np.uint8]:
    """Return a picture as the stream's bytes; what lies beyond its width is rubbish."""
    (width, height), stride = stream["size"], stream["stride"]
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
    luma, u, v = (np.asarray(band) for band in resized.convert("YCbCr").split())
    raw = np.full(height * stride * 3 // 2, 77, np.uint8)
    raw[: height * stride].reshape(height, stride)[:, :width] = luma
    colours = raw[height * stride :]
    if stream["format"] == "NV12":
        rows = colours.reshape(height // 2, stride)
        rows[:, 0:width:2], rows[:, 1:width:2] = u[::2, ::2], v[::2, ::2]
    else:
        for rows, band in zip(colours.reshape(2, height // 2, stride // 2), (u, v), strict=True):
            rows[:, : width // 2] = band[::2, ::2]
    return raw
