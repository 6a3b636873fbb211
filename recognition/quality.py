"""Face quality: size, sharpness, brightness and pose, with the bounds for matching and enrolment.

Below these bounds strangers begin to score like one person, so a poor face is refused and not
compared. Every measure is an integer, because quality travels in signed documents.
"""

from dataclasses import dataclass, replace
from enum import Enum
from math import atan2, degrees, hypot
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recognition.aligner import STANDARD, align, framed
from recognition.face import Face, Points
from recognition.pixels import Pixels

INNER: Final = framed(STANDARD, -25)
"""The middle of the standard chip, which shows the face and little background. It is a chip of its
own, because each embedder has another alignment, and quality is one measure for all of them."""

VIEW_PX: Final = 60.0
"""Distance of the eyes beyond which a larger face is not seen more clearly: a chip has 55
(`recognition.aligner.STANDARD`)."""

LUMA: Final = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601."""


class Fault(Enum):
    """What can be wrong with a face."""

    SMALL = "small"
    BLURRED = "blurred"
    TURNED = "turned"
    DARK = "dark"
    BRIGHT = "bright"
    COVERED = "covered"


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of one face."""

    face_height_px: int
    """Height of the detector's box: brow to chin."""
    inter_eye_px: int
    sharpness_centi: int
    """Fine detail over coarse detail in the chip, in hundredths; independent of contrast."""
    exposure_centi: int
    """Mean brightness of the chip, 0 to 100."""
    contrast_centi: int
    """Standard deviation of its brightness, 0 to 50."""
    yaw_centi: int
    """Distance of the nose from the middle of the eyes, in hundredths of the eyes' distance."""
    roll_deg: int
    """Tilt of the line through the eyes, -180 to 180."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least or most of each measure that a use demands."""

    face_height_px: int
    inter_eye_px: int
    sharpness_centi: int
    exposure_min_centi: int
    exposure_max_centi: int
    yaw_centi: int
    roll_deg: int


MATCHING: Final = Bounds(
    face_height_px=48,
    inter_eye_px=16,
    sharpness_centi=8,
    exposure_min_centi=10,
    exposure_max_centi=80,
    yaw_centi=35,
    roll_deg=35,
)
"""For passers-by: outside of these, half as many pairs are accepted, or false matches
rise; models/embedder.md."""

ENROLMENT: Final = Bounds(
    face_height_px=80,
    inter_eye_px=32,
    sharpness_centi=12,
    exposure_min_centi=20,
    exposure_max_centi=75,
    yaw_centi=20,
    roll_deg=15,
)
"""For the portrait of a list: nine of ten official portraits pass, and most of the others are
turned; models/embedder.md."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One measure and its bound."""

    what: str
    measured: int
    bound: str
    passes: bool


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One measure of a face that misses its bound."""

    fault: Fault
    sentence: str
    """What was measured, what is needed, what to do."""


def measure(pixels: Pixels, face: Face) -> Quality:
    """Return the quality of one face in its picture."""
    chip = align(pixels, face, INNER).pixels @ LUMA
    return replace(
        measure_points(face),
        sharpness_centi=round(100 * _sharpness(chip)),
        exposure_centi=round(100 * float(chip.mean()) / 255),
        contrast_centi=round(100 * float(chip.std()) / 255),
    )


def measure_points(face: Face) -> Quality:
    """Return what box and points alone say of a face's quality; the rest is 0."""
    points = face.points
    across, down = points.left_eye.x - points.right_eye.x, points.left_eye.y - points.right_eye.y
    return Quality(
        face_height_px=round(face.box.height),
        inter_eye_px=round(hypot(across, down)),
        sharpness_centi=0,
        exposure_centi=0,
        contrast_centi=0,
        yaw_centi=round(100 * _yaw(points)),
        roll_deg=round(degrees(atan2(down, across))),
    )


def refused_by_points(face: Face, bounds: Bounds) -> Fault | None:
    """Return why a face cannot pass, by box and points alone; None: a look at it may pass."""
    quality = measure_points(face)
    if quality.face_height_px < bounds.face_height_px or quality.inter_eye_px < bounds.inter_eye_px:
        return Fault.SMALL
    return Fault.TURNED if _pose(quality, bounds) else None


def view(face: Face) -> float:
    """Return how clearly a face can be seen, by its points alone: large and frontal is more.

    It is the distance of the eyes in pixels, up to `VIEW_PX`, less the share that a turned head
    hides.
    """
    points = face.points
    eyes_px = hypot(*(a - b for a, b in zip(points.left_eye, points.right_eye, strict=True)))
    return min(eyes_px, VIEW_PX) * max(0.0, 1 - abs(_yaw(points)))


def judged(quality: Quality, bounds: Bounds) -> list[Judged]:
    """Return every measure with its bound, in words for the person who enrols."""
    light = range(bounds.exposure_min_centi, bounds.exposure_max_centi + 1)
    yaw, roll = abs(quality.yaw_centi), abs(quality.roll_deg)
    least, most = "at least {}".format, "at most {}".format
    height, eyes, sharp = quality.face_height_px, quality.inter_eye_px, quality.sharpness_centi
    return [
        Judged(
            "face, px high", height, least(bounds.face_height_px), height >= bounds.face_height_px
        ),
        Judged("px from eye to eye", eyes, least(bounds.inter_eye_px), eyes >= bounds.inter_eye_px),
        Judged("sharpness", sharp, least(bounds.sharpness_centi), sharp >= bounds.sharpness_centi),
        Judged("nose off the middle, %", yaw, most(bounds.yaw_centi), yaw <= bounds.yaw_centi),
        Judged("tilt, degrees", roll, most(bounds.roll_deg), roll <= bounds.roll_deg),
        Judged(
            "brightness",
            quality.exposure_centi,
            f"{light.start} to {light.stop - 1}",
            quality.exposure_centi in light,
        ),
    ]


def shortfalls(quality: Quality, bounds: Bounds) -> list[Shortfall]:
    """Return every measure that misses its bound; empty: the face is good enough."""
    found = []
    if quality.face_height_px < bounds.face_height_px:
        found.append(_small(f"{quality.face_height_px} px high", bounds.face_height_px))
    elif quality.inter_eye_px < bounds.inter_eye_px and abs(quality.yaw_centi) <= bounds.yaw_centi:
        # The eyes of a face in profile are close together at any size: it is turned, not small.
        found.append(_small(f"{quality.inter_eye_px} px from eye to eye", bounds.inter_eye_px))
    if quality.sharpness_centi < bounds.sharpness_centi:
        found.append(
            Shortfall(
                Fault.BLURRED,
                f"The face is blurred: sharpness {quality.sharpness_centi} where "
                f"{bounds.sharpness_centi} is needed. Focus, add light, or hold still.",
            )
        )
    found += _pose(quality, bounds) + _light(quality, bounds)
    return found


def _small(measured: str, needed_px: int) -> Shortfall:
    sentence = f"The face is {measured} where {needed_px} are needed. Use a larger picture."
    return Shortfall(Fault.SMALL, sentence)


def _pose(quality: Quality, bounds: Bounds) -> list[Shortfall]:
    if abs(quality.yaw_centi) > bounds.yaw_centi:
        measured = f"nose off the middle by {abs(quality.yaw_centi)} % of the eyes' distance"
        needed = f"{bounds.yaw_centi} % is the most"
    elif abs(quality.roll_deg) > bounds.roll_deg:
        measured = f"tilted by {abs(quality.roll_deg)} degrees"
        needed = f"{bounds.roll_deg} is the most"
    else:
        return []
    sentence = f"The face is turned: {measured}, {needed}. Look straight into the camera."
    return [Shortfall(Fault.TURNED, sentence)]


def _light(quality: Quality, bounds: Bounds) -> list[Shortfall]:
    measured = quality.exposure_centi
    if measured < bounds.exposure_min_centi:
        needed = f"{bounds.exposure_min_centi} is needed. Add light on the face."
        return [Shortfall(Fault.DARK, f"The face is dark: brightness {measured} where {needed}")]
    if measured > bounds.exposure_max_centi:
        needed = f"{bounds.exposure_max_centi} is the most. Expose for the face."
        return [
            Shortfall(Fault.BRIGHT, f"The face is bright: brightness {measured} where {needed}")
        ]
    return []


def _sharpness(chip: NDArray[np.float64]) -> float:
    """Return the standard deviation of the Laplacian over that of the brightness."""
    around = chip[:-2, 1:-1] + chip[2:, 1:-1] + chip[1:-1, :-2] + chip[1:-1, 2:]
    return float((around - 4 * chip[1:-1, 1:-1]).std() / max(chip.std(), 1.0))


def _yaw(points: Points) -> float:
    """Return the nose's offset from the eyes' middle, along their line, over their distance."""
    right, left, nose = (complex(*one) for one in (points.right_eye, points.left_eye, points.nose))
    eyes = left - right
    return float(((nose - (left + right) / 2) / eyes).real) if eyes else 0.0
