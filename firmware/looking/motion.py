"""The motion gate: a picture in which nothing moved is not searched for faces again.

A picture is reduced to the mean brightness of its cells, and compared with the picture that was
searched last. If at most one cell in a thousand has changed, the faces are where they were. The
comparison is with the picture that was searched, so that slow changes add up, and after
`STILL_MOST_NS` a picture is searched in any case. The grain of a dark picture counts as motion: it
is searched.

The cells show strangers, coarsely. They are overwritten like a frame: when the next picture is
searched, and when looking ends.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.face import Face

CELL_PX: Final = 8
"""Side of a cell: the smallest face that the detector finds has nine of them."""
CHANGED: Final = 6
"""A cell has changed if its mean has changed by more than this, of 255: the noise of a
camera in daylight changes a mean of 64 pixels by about 1."""
MOVED_MOST: Final = 0.001
"""Share of changed cells up to which nothing moved: less than the smallest face."""
STILL_MOST_NS: Final = 500_000_000
"""The longest time for which an earlier picture's faces are believed. A track closes after twice as
long without a face."""


class MotionGate:
    """Remembers the picture that was searched last, and its faces."""

    def __init__(self) -> None:
        self._cells: NDArray[np.uint8] | None = None
        self._faces: list[Face] = []
        self._searched_ns = 0

    def faces_if_still(self, brightness: NDArray[np.uint8], at_ns: int) -> list[Face] | None:
        """Return the faces of the picture before if nothing has moved; None: search this one.

        Args:
            brightness: (height, width), the picture's.
            at_ns: CLOCK_MONOTONIC of its exposure.
        """
        cells = np.array(Image.fromarray(brightness).reduce(CELL_PX))
        if at_ns - self._searched_ns < STILL_MOST_NS and self._is_still(cells):
            cells[...] = 0
            return self._faces
        self.forget()
        self._cells, self._searched_ns = cells, at_ns
        return None

    def keep(self, faces: list[Face]) -> None:
        """Keep the faces that the search found in the latest picture."""
        self._faces = faces

    def forget(self) -> None:
        """Overwrite the cells."""
        if self._cells is not None:
            self._cells[...] = 0
        self._cells, self._faces = None, []

    def _is_still(self, cells: NDArray[np.uint8]) -> bool:
        if self._cells is None or self._cells.shape != cells.shape:
            return False
        apart = np.maximum(cells, self._cells) - np.minimum(cells, self._cells)
        return float(np.mean(apart > CHANGED)) <= MOVED_MOST
