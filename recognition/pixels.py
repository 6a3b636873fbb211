"""The pixels of a picture, and whether they show colour (daylight) or none (infrared light)."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
"""(height, width, 3), RGB, 0 to 255."""

COLOUR: Final = 8
"""A pixel has a colour if its channels differ by more than this, of 255: JPEG's own error is 3."""
COLOURED_MIN: Final = 0.002
"""Least share of coloured pixels of a picture in daylight; a street in infrared light has none."""
SAMPLED: Final = 8
"""Every so many rows and columns are sampled for colour."""


def has_colour(pixels: Pixels) -> bool:
    """Return whether a picture was taken in light that has colours."""
    sampled = pixels[::SAMPLED, ::SAMPLED]
    spread = sampled.max(axis=2) - sampled.min(axis=2)
    return float(np.mean(spread > COLOUR)) >= COLOURED_MIN
