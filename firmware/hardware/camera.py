"""Where frames come from: a `Frame` opens only in light, and a `Camera` yields them.

The Pi's camera is configured once and never again: reopening and reconfiguring leaks memory on real
boards. Rows may be wider than the picture (704 becomes 768 on some), so the stride is read, never
assumed. Buffers go back to the camera before the frame is looked at.
"""

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from firmware.errors import CameraStalled
from firmware.hardware.lamp import Lit
from recognition.picture import Pixels

WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 960
"""A face of 48 px at the detector's 640 x 480 is 96 px here."""
FRAMES_PER_S: Final = 10
BUFFERS: Final = 4
"""More than 5 exhaust the contiguous memory of a Pi."""
STALLED_S: Final = 2.0
"""A camera that gives no frame for this long has stalled."""


@final
class Frame:
    """One picture of the street. It opens only in light, and prints as nothing."""

    __slots__ = ("_pixels", "captured_ns")

    def __init__(self, pixels: Pixels, captured_ns: int) -> None:
        self._pixels = pixels
        self.captured_ns = captured_ns
        """CLOCK_MONOTONIC of the exposure, in nanoseconds."""

    def __repr__(self) -> str:
        return "Frame()"

    def pixels(self, lit: Lit) -> Pixels:
        """Return the picture, (height, width, 3) RGB.

        Raises:
            LampDark: the lamp is not proven lit now.
        """
        lit.check()
        return self._pixels

    def forget(self) -> None:
        """Overwrite the picture; nothing of it can be had afterwards."""
        self._pixels[...] = 0


class Camera(Protocol):
    """A source of frames."""

    def running(self) -> AbstractContextManager[Iterator[Frame]]:
        """Start the camera, give its frames as they are taken, stop it at the end.

        The camera is warm when the block begins: it takes longer to start than a lease lives.

        Raises:
            CameraStalled: no frame came in time.
        """


class PiCamera:
    """The Pi's camera through picamera2. Never run on hardware yet: see docs/threat-model.md."""

    def __init__(self) -> None:
        try:
            from picamera2 import Picamera2  # noqa: PLC0415  # Only a camera has it.
        except ImportError as error:
            raise CameraStalled(
                "picamera2 is not installed: apt-get install python3-picamera2."
            ) from error
        try:
            self._camera: Any = Picamera2()
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": (WIDTH_PX, HEIGHT_PX), "format": "YUV420"},
                    controls={"FrameRate": FRAMES_PER_S},
                    buffer_count=BUFFERS,
                )
            )
        except (RuntimeError, IndexError) as error:
            raise CameraStalled(
                f"The camera cannot be opened: {error}; check its cable."
            ) from error
        self._actual: dict[str, Any] = self._camera.camera_configuration()["main"]
        if self._actual["format"] != "YUV420":
            raise CameraStalled(f"The camera gives {self._actual['format']} instead of YUV420.")

    @contextmanager
    def running(self) -> Generator[Iterator[Frame]]:
        """Start the camera and give its frames until the block ends."""
        self._camera.start()
        try:
            self._next().forget()
            yield iter(self._next, None)
        finally:
            self._camera.stop()

    def _next(self) -> Frame:
        job = self._camera.capture_request(wait=False)
        try:
            request = self._camera.wait(job, timeout=STALLED_S)
        except TimeoutError as error:
            raise CameraStalled("The camera gives no frames: check its cable.") from error
        try:
            planes = request.make_array("main")
            captured_ns = request.get_metadata()["SensorTimestamp"]
        finally:
            request.release()
        width, height = self._actual["size"]
        return Frame(rgb(planes, width, height, self._actual["stride"]), captured_ns)


def rgb(planes: NDArray[np.uint8], width: int, height: int, stride: int) -> Pixels:
    """Return (height, width, 3) RGB from planar YUV 4:2:0 with rows of `stride` bytes.

    Args:
        planes: (height * 3 / 2, stride): luma, then the two half-size chroma planes.
        width: even, at most `stride`.
        height: even.
        stride: bytes per row of luma; chroma rows have half of it.
    """
    flat = planes.reshape(-1)
    luma = flat[: height * stride].reshape(height, stride)[:, :width]
    size = height // 2 * (stride // 2)
    u, v = (
        flat[start : start + size].reshape(height // 2, stride // 2)[:, : width // 2]
        for start in (height * stride, height * stride + size)
    )
    bands = [
        Image.fromarray(luma),
        *(
            Image.fromarray(band).resize((width, height), Image.Resampling.BILINEAR)
            for band in (u, v)
        ),
    ]
    return np.array(Image.merge("YCbCr", bands).convert("RGB"))
