"""A detected face: its box, its five points and its score. It says nothing about the person.

Coordinates are pixels of the picture in which the face was found: x to the right, y down. The
corner of the first pixel is at (0, 0), its centre at (0.5, 0.5).
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class Point(NamedTuple):
    """One place in a picture, in pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle, in pixels. It may reach beyond the picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Points:
    """Five points of a face. The person's own right eye is at the left of the picture."""

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point
    """Corners of the mouth."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face in one picture."""

    box: Box
    score: float = field(repr=False)
    """The detector's confidence, 0 to 1."""
    points: Points

    def scaled(self, by: float) -> "Face":
        """Return the same face in a picture `by` times as large."""
        box, points = self.box, self.points
        return Face(
            Box(by * box.x, by * box.y, by * box.width, by * box.height),
            self.score,
            Points(
                *(
                    Point(by * x, by * y)
                    for x, y in (
                        *(points.right_eye, points.left_eye, points.nose),
                        *(points.right_mouth, points.left_mouth),
                    )
                )
            ),
        )
