"""Template of a face, a row of int8 numbers; cosine similarity of two; fusion of several.

All arithmetic is in integers or exact in float64, so every machine computes the same score.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

PEAK: Final = 127
"""Absolute value of the largest component of every template."""

PPM: Final = 1_000_000


class Side(Enum):
    """Which images of a chip a template is made of."""

    BOTH = "both"
    """The chip and its mirror image: two passes of the net."""
    PLAIN = "plain"
    MIRRORED = "mirrored"


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A face as numbers. This is personal data: never log or show it."""

    vector: NDArray[np.int8] = field(repr=False)
    """(dim,), 128 with the shipped net; the largest component is +127 or -127."""

    def forget(self) -> None:
        """Overwrite the numbers with zeros."""
        self.vector[...] = 0


def fuse(templates: Iterable[Template]) -> Template:
    """Return the sum of several templates of one person, as one template (feature-level fusion).

    Strangers score higher against it than against one picture, so it needs its own threshold.
    """
    return Template(peaked(np.sum([one.vector for one in templates], axis=0, dtype=np.int32)))


def similarity_ppm(one: Template, other: Template) -> int:
    """Return the cosine of two templates in millionths, rounded down."""
    a, b = one.vector.astype(np.int64), other.vector.astype(np.int64)
    return int(cosines_ppm(a @ b, a @ a, b @ b))


def cosines_ppm(
    dots: NDArray[np.generic], squares: NDArray[np.int64], other_squares: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return dots / sqrt(squares * other_squares) in millionths, rounded down.

    Every operand is exact in float64 and every operation is correctly rounded, so the result is
    the same on every machine.
    """
    cosines = dots.astype(np.float64) * PPM / np.sqrt(squares * other_squares)
    rounded: NDArray[np.int64] = np.floor(cosines).astype(np.int64)
    return rounded


def peaked(vector: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return the vector scaled so that its largest component is +127 or -127."""
    peak = max(1, int(np.abs(vector).max()))
    # Rounded to nearest, halves up, in integers.
    return ((2 * PEAK * vector + peak) // (2 * peak)).astype(np.int8)
