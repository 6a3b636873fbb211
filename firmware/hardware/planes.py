"""YUV 4:2:0 planes of a camera's picture (YUV420, NV12), with stride, and their conversion to RGB.

Rows may be wider than the picture (704 becomes 768 on some boards), so the stride is read from the
camera and not assumed. Two layouts are read: three planes (YUV420), as a Pi gives it, and two with
the colours interleaved (NV12).
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.pixels import Pixels

LAYOUTS: Final = ("YUV420", "NV12")


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of one stream's bytes, as the camera reports it."""

    form: str
    """One of `LAYOUTS`."""
    width_px: int
    height_px: int
    """Both even."""
    stride: int
    """Bytes per row of brightness, at least the width; of colours NV12 has as many, YUV420 half."""

    @property
    def size(self) -> int:
        """Bytes of a picture."""
        return self.height_px * self.stride * 3 // 2


@dataclass(frozen=True, slots=True)
class Planes:
    """One picture, copied out of the camera's buffer."""

    layout: Layout
    raw: NDArray[np.uint8] = field(repr=False)
    """(layout.size or more,) the buffer's bytes."""

    def rgb(self) -> Pixels:
        """Return the picture, (height, width, 3) RGB."""
        return self.part(slice(0, self.layout.height_px), slice(0, self.layout.width_px))

    def part(self, rows: slice, columns: slice) -> Pixels:
        """Return a part of the picture in RGB: on a Pi the whole takes 14 ms, one face 1 ms.

        Args:
            rows: of the picture, from an even one to an even one.
            columns: the same.
        """
        halves = tuple(slice(one.start // 2, one.stop // 2) for one in (rows, columns))
        size = (columns.stop - columns.start, rows.stop - rows.start)
        bands = [
            Image.fromarray(self.brightness()[rows, columns]),
            *(
                Image.fromarray(band[halves]).resize(size, Image.Resampling.BILINEAR)
                for band in self._colours()
            ),
        ]
        return np.array(Image.merge("YCbCr", bands).convert("RGB"))

    def brightness(self) -> NDArray[np.uint8]:
        """Return the brightness of the picture, (height, width): a view, no copy."""
        layout = self.layout
        rows = self.raw[: layout.height_px * layout.stride].reshape(layout.height_px, layout.stride)
        return rows[:, : layout.width_px]

    def forget(self) -> None:
        """Overwrite the picture."""
        self.raw[...] = 0

    def _colours(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        layout = self.layout
        height, width = layout.height_px // 2, layout.width_px // 2
        rest = self.raw[layout.height_px * layout.stride : layout.size]
        if layout.form == "NV12":
            pairs = rest.reshape(height, layout.stride)[:, : layout.width_px]
            return pairs[:, 0::2], pairs[:, 1::2]
        both = rest.reshape(2, height, layout.stride // 2)[:, :, :width]
        return both[0], both[1]
