"""A detected face: its box, its five points and its score. It says nothing about the person.

Coordinates are pixels of the picture in which the face was found: x to the right, y down. The
corner of the first pixel is at (0, 0), its centre at (0.5, 0.5).
"""

from collections.abc import Callable
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
        box = self.box
        moved = Box(by * box.x, by * box.y, by * box.width, by * box.height)
        return Face(moved, self.score, self._points(lambda x, y: Point(by * x, by * y)))

    def from_corner(self, left: float, top: float) -> "Face":
        """Return the same face in the part of its picture that begins at (left, top)."""
        box = self.box
        moved = Box(box.x - left, box.y - top, box.width, box.height)
        return Face(moved, self.score, self._points(lambda x, y: Point(x - left, y - top)))

    def _points(self, move: Callable[[float, float], Point]) -> Points:
        points = self.points
        eyes_and_nose = (points.right_eye, points.left_eye, points.nose)
        five = (*eyes_and_nose, points.right_mouth, points.left_mouth)
        return Points(*(move(*point) for point in five))
