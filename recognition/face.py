"""A face as the detector reports it: where it is, not whose it is.

Coordinates are pixels of the picture it was found in, x to the right, y down, with the corner of
the first pixel at (0, 0) and its centre at (0.5, 0.5).
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
    """Five places of a face. Right and left are the person's own: the right eye is seen at left."""

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
