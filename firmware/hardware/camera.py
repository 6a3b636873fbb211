"""The camera: frames from picamera2, YUV planes, two streams. A `Frame` opens only in light.

The Pi's camera is configured once: reopening and reconfiguring leaks memory on real boards. Its
real stream layout is read back, not assumed. Buffers go back to the camera before a frame is looked
at. Of a frame that is not looked at, only two copies are made.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import ceil, floor
from types import TracebackType
from typing import Any, Final, Protocol, Self, final

import numpy as np
from numpy.typing import NDArray

from firmware.errors import CameraStalled
from firmware.hardware.lamp import Lit
from firmware.hardware.planes import LAYOUTS, Layout, Planes
from recognition.face import Box
from recognition.pixels import Pixels

WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 960
"""A face of 48 px at the detector's 640 x 480 is 96 px here."""
SMALL_WIDTH_PX: Final = 640
SMALL_HEIGHT_PX: Final = 480
"""The detector's input; the camera itself scales the picture, at no cost."""
FRAMES_PER_S: Final = 20
"""What the sensor gives; `firmware.looking.frame_rate` chooses those that are looked at."""
EDGE_PX: Final = 4
"""More pixels on each side of a part: colours are interpolated, and differ at an edge."""
BUFFERS: Final = 4
"""More than 5 exhaust the contiguous memory of a Pi."""
STALLED_S: Final = 2.0
"""A camera that gives no frame for this long has stalled."""
STREAMS: Final = ("main", "lores")


@final
class Frame:
    """One picture of the street. It opens only in light, and its repr shows nothing.

    A context manager: at the end of the block, also after an error, the picture is overwritten.
    """

    __slots__ = ("_parts", "_pixels", "_small", "captured_ns")

    def __init__(
        self, pixels: Pixels | Planes, captured_ns: int, small: Pixels | Planes | None = None
    ) -> None:
        self._pixels = pixels
        self._small = small
        self._parts: list[Pixels] = []
        self.captured_ns = captured_ns
        """CLOCK_MONOTONIC of the exposure, in nanoseconds."""

    def __repr__(self) -> str:
        return "Frame()"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.forget()

    def pixels(self, lit: Lit) -> Pixels:
        """Return the picture, (height, width, 3) RGB.

        Raises:
            LampDark: the lamp is not proven lit now.
        """
        lit.check()
        self._pixels = _rgb(self._pixels)
        return self._pixels

    def small(self, lit: Lit) -> Pixels:
        """Return the same picture as the detector wants it, of the same shape and smaller or equal.

        Raises:
            LampDark: the lamp is not proven lit now.
        """
        if self._small is None:
            return self.pixels(lit)
        lit.check()
        self._small = _rgb(self._small)
        return self._small

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the picture."""
        if isinstance(self._pixels, Planes):
            return self._pixels.layout.width_px, self._pixels.layout.height_px
        return self._pixels.shape[1], self._pixels.shape[0]

    def part(self, lit: Lit, around: Box) -> tuple[Pixels, int, int]:
        """Return the part of the picture that holds a box, and its first column and row.

        The part has a few pixels more on each side than the box, where the picture goes on.

        Raises:
            LampDark: the lamp is not proven lit now.
        """
        lit.check()
        width_px, height_px = self.size_px
        rows = _even(around.y, around.y + around.height, height_px)
        columns = _even(around.x, around.x + around.width, width_px)
        if not isinstance(self._pixels, Planes):
            return self._pixels[rows, columns], columns.start, rows.start
        part = self._pixels.part(rows, columns)
        self._parts.append(part)
        return part, columns.start, rows.start

    def brightness(self, lit: Lit) -> NDArray[np.uint8]:
        """Return the brightness of the small picture, (height, width), without a conversion.

        Of a picture in RGB it is the green.

        Raises:
            LampDark: the lamp is not proven lit now.
        """
        lit.check()
        small = self._pixels if self._small is None else self._small
        return small.brightness() if isinstance(small, Planes) else small[..., 1]

    def forget(self) -> None:
        """Overwrite the picture, and the parts that were taken from it."""
        for picture in (self._pixels, self._small, *self._parts):
            if isinstance(picture, Planes):
                picture.forget()
            elif picture is not None:
                picture[...] = 0


def _even(start: float, stop: float, length: int) -> slice:
    """Return the even rows or columns around a stretch of a picture, at least two."""
    first = min(max(0, 2 * floor(start / 2) - EDGE_PX), length - 2)
    return slice(first, max(first + 2, min(2 * ceil(stop / 2) + EDGE_PX, length)))


def _rgb(picture: Pixels | Planes) -> Pixels:
    """Return a picture in colours; overwrite its planes, so that only one copy is left."""
    if not isinstance(picture, Planes):
        return picture
    pixels = picture.rgb()
    picture.forget()
    return pixels


class Camera(Protocol):
    """A source of frames."""

    def running(self) -> AbstractContextManager[Iterator[Frame]]:
        """Start the camera, yield its frames as they are taken, stop it at the end.

        The camera has given a first frame when the block begins: its start takes longer than a
        lease.

        Raises:
            CameraStalled: no frame came in time.
        """


class PiCamera:
    """The Pi's camera through picamera2. Not yet run on hardware: see docs/threat-model.md."""

    def __init__(self, device: Callable[[], Any] | None = None) -> None:
        """Open and configure the camera.

        Args:
            device: makes a `Picamera2`; by default the one of the system's package.

        Raises:
            CameraStalled: there is none, or its format is not one that `Planes` reads.
        """
        try:
            self._camera: Any = (device or _picamera2)()
            self._camera.configure(
                # The only configuration of picamera2 with full-range colours, as `Planes` reads.
                self._camera.create_preview_configuration(
                    main={"size": (WIDTH_PX, HEIGHT_PX), "format": "YUV420"},
                    lores={"size": (SMALL_WIDTH_PX, SMALL_HEIGHT_PX), "format": "YUV420"},
                    controls={"FrameRate": FRAMES_PER_S},
                    buffer_count=BUFFERS,
                )
            )
        except (RuntimeError, IndexError) as error:
            raise CameraStalled(
                f"The camera cannot be opened: {error}; check its cable."
            ) from error
        actual = self._camera.camera_configuration()
        self.layouts: dict[str, Layout] = {name: _layout(name, actual[name]) for name in STREAMS}
        """The real layout of each stream."""

    @contextmanager
    def running(self) -> Generator[Iterator[Frame]]:
        """Start the camera and yield its frames until the block ends."""
        self._camera.start()
        try:
            self._next().forget()
            yield iter(self._next, None)
        finally:
            self._camera.stop()

    def close(self) -> None:
        """Close the camera."""
        self._camera.close()

    def _next(self) -> Frame:
        job = self._camera.capture_request(wait=False)
        try:
            request = self._camera.wait(job, timeout=STALLED_S)
        except TimeoutError as error:
            raise CameraStalled("The camera gives no frames: check its cable.") from error
        try:
            main, small = (
                Planes(self.layouts[name], request.make_buffer(name)) for name in STREAMS
            )
            captured_ns = request.get_metadata()["SensorTimestamp"]
        finally:
            request.release()
        return Frame(main, captured_ns, small)


def _picamera2() -> Any:  # noqa: ANN401  # It ships no types.
    try:
        from picamera2 import Picamera2  # noqa: PLC0415  # Only a camera has it.
    except ImportError as error:
        raise CameraStalled(
            "picamera2 is not installed: apt-get install python3-picamera2."
        ) from error
    return Picamera2()


def _layout(name: str, actual: dict[str, Any]) -> Layout:
    if actual["format"] not in LAYOUTS:
        raise CameraStalled(
            f"The camera's stream {name} gives {actual['format']}, and only {', '.join(LAYOUTS)} "
            "can be read: check the camera's model."
        )
    width_px, height_px = actual["size"]
    return Layout(actual["format"], width_px, height_px, actual["stride"])
