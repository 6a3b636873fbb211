"""Alignment: cuts a face out of a picture as an upright chip, with the eyes in fixed places.

The five points of the face are fitted to the five places of an `Alignment` by a similarity (shift,
turn, scale) with the least squared error. Outside the picture, its border is repeated. A large face
is averaged down before it is sampled, so that there is no aliasing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.face import Box, Face, Point, Points
from recognition.pixels import Pixels


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where an embedder needs the five points of a face in its chip."""

    chip_px: int
    """Side of the chip, in pixels: the embedder's input."""
    points: tuple[Point, Point, Point, Point, Point]
    """Right eye, left eye, nose, right and left corner of the mouth in the chip, in pixels."""


STANDARD: Final = Alignment(
    150,
    (
        Point(47.2, 46.0),
        Point(102.1, 46.0),
        Point(74.5, 77.7),
        Point(50.6, 103.3),
        Point(98.2, 103.3),
    ),
)
"""The alignment in which quality is measured, for every embedder: the face fills the chip."""


CORNERS: Final = np.array([0, 1, 1j, 1 + 1j])
"""Corners of a chip of side 1, x + iy."""


def framed(alignment: Alignment, margin_px: int, scale: int = 1) -> Alignment:
    """Return the same alignment with a margin around it, `scale` times as large; below 0: less."""
    eye, other_eye, nose, mouth, other_mouth = (
        Point(scale * (point.x + margin_px), scale * (point.y + margin_px))
        for point in alignment.points
    )
    side_px = scale * (alignment.chip_px + 2 * margin_px)
    return Alignment(side_px, (eye, other_eye, nose, mouth, other_mouth))


@dataclass(frozen=True, slots=True, eq=False)
class Chip:
    """One aligned face."""

    pixels: Pixels = field(repr=False)
    """(chip_px, chip_px, 3) uint8, RGB."""
    alignment: Alignment = field(default=STANDARD, repr=False)
    """How the face lies in it."""


def align(pixels: Pixels, face: Face, alignment: Alignment = STANDARD) -> Chip:
    """Return the face as an upright chip."""
    scale_turn, shift = chip_to_picture(face.points, alignment)
    shrink = max(1, int(abs(scale_turn)))
    corners = scale_turn * alignment.chip_px * CORNERS + shift
    part, origin = _cut(pixels, corners, shrink)
    turn, at = scale_turn / shrink, (shift - origin) / shrink
    chip = part.transform(
        (alignment.chip_px, alignment.chip_px),
        Image.Transform.AFFINE,
        (turn.real, -turn.imag, at.real, turn.imag, turn.real, at.imag),
        resample=Image.Resampling.BILINEAR,
    )
    return Chip(np.array(chip), alignment)  # A copy that can be overwritten.


def reach(face: Face, alignments: Iterable[Alignment]) -> Box:
    """Return the part of the picture that chips of these alignments are cut from."""
    corners = np.concatenate(
        [
            scale_turn * one.chip_px * CORNERS + shift
            for one in alignments
            for scale_turn, shift in [chip_to_picture(face.points, one)]
        ]
    )
    left, top = float(corners.real.min()), float(corners.imag.min())
    return Box(left, top, float(corners.real.max()) - left, float(corners.imag.max()) - top)


def chip_to_picture(points: Points, alignment: Alignment) -> tuple[complex, complex]:
    """Return (scale and turn, shift) that map x + iy of a chip to the picture, by least squares."""
    chip = np.array([complex(*point) for point in alignment.points])
    eyes_and_nose = (points.right_eye, points.left_eye, points.nose)
    five = (*eyes_and_nose, points.right_mouth, points.left_mouth)
    seen = np.array([complex(*point) for point in five])
    chip_mean, seen_mean = chip.mean(), seen.mean()
    # Fitted from picture to chip, because the error is measured there; then inverted.
    offsets = seen - seen_mean
    into_chip = np.vdot(offsets, chip - chip_mean) / np.vdot(offsets, offsets).real
    scale_turn = complex(1 / into_chip)
    return scale_turn, complex(seen_mean - scale_turn * chip_mean)


def _cut(
    pixels: Pixels, corners: NDArray[np.complex128], shrink: int
) -> tuple[Image.Image, complex]:
    """Return the part between the corners, shrunk, and the place of its first corner.

    Outside the picture, its border is repeated.
    """
    rows = _span(corners.imag, pixels.shape[0])
    columns = _span(corners.real, pixels.shape[1])
    part = np.ascontiguousarray(pixels[rows, columns])  # Pillow is slow with rows that are apart.
    if shrink > 1:
        part = np.asarray(Image.fromarray(part).reduce(shrink))
    beyond_y = _beyond((corners.imag - rows.start) / shrink, part.shape[0])
    beyond_x = _beyond((corners.real - columns.start) / shrink, part.shape[1])
    origin = complex(columns.start - beyond_x[0] * shrink, rows.start - beyond_y[0] * shrink)
    return Image.fromarray(np.pad(part, (beyond_y, beyond_x, (0, 0)), "edge")), origin


def _span(places: NDArray[np.float64], length: int) -> slice:
    """Return the whole pixels between the places that lie in the picture, at least one."""
    start = min(max(0, int(np.floor(places.min()))), length - 1)
    return slice(start, min(max(start + 1, int(np.ceil(places.max()))), length))


def _beyond(places: NDArray[np.float64], length: int) -> tuple[int, int]:
    """Return how many pixels the places reach out before and behind, plus one for sampling."""
    before, behind = np.ceil([-places.min(), places.max() - length]).astype(int)
    return max(0, int(before)) + 1, max(0, int(behind)) + 1
