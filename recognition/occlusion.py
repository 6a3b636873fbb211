"""Guesses whether something covers a part of a face, by looking at one half of it at a time.

With the other half made grey, a face that is free is still a face to the detector; a half that dark
glasses, a mask or a hand covers has nothing left to show. It is a guess and called so: it overlooks
a hand on a cheek, and some faces that are free look covered to it. models/evaluate/covered_faces.py
measures how often, and the bounds below come from there.
"""

from dataclasses import dataclass
from typing import Final

from recognition.aligner import STANDARD, align, framed
from recognition.detector import Detector
from recognition.face import Face
from recognition.picture import Pixels
from recognition.quality import Fault, Judged, Shortfall

MARGIN_PX: Final = 53
"""Around the chip in which quality is measured, because a detector wants to see the head."""
WIDE: Final = framed(STANDARD, MARGIN_PX)
"""The head of any face, always in the same size."""
GREY: Final = 128
NOSE_PX: Final = MARGIN_PX + 72
"""Row between the halves: the eyes are above, the mouth below."""
MIDDLE_PX: Final = WIDE.chip_px // 2
ABOVE_PX: Final = MARGIN_PX - 40
BESIDE_PX: Final = MARGIN_PX - 20
BELOW_PX: Final = MARGIN_PX + STANDARD.chip_px + 25
"""How far a half reaches beyond the face: over its hair, its ears and its chin."""

SCORE_MIN: Final = 0.02
"""Below this the detector's score is called nothing."""
EYES_CENTI: Final = 70
MOUTH_CENTI: Final = 25
SIDES_CENTI: Final = 20
"""Least score of the eyes, the mouth, and the worse of the two sides, each alone: all free official
portraits that were measured have 85, 70 and 66; models/evaluate/covered_faces.py."""


@dataclass(frozen=True, slots=True)
class Halves:
    """How much of a face each half is by itself to the detector, in hundredths."""

    eyes_centi: int
    mouth_centi: int
    sides_centi: int
    """Of the worse of the two sides."""


def halves(pixels: Pixels, face: Face, detector: Detector) -> Halves:
    """Return how much each half of the face looks like one by itself."""
    head = align(pixels, face, WIDE).pixels
    rows, columns = slice(ABOVE_PX, BELOW_PX), slice(BESIDE_PX, WIDE.chip_px - BESIDE_PX)

    def without(down: slice, across: slice) -> int:
        covered = head.copy()
        covered[down, across] = GREY
        return round(100 * _score(covered, detector))

    return Halves(
        eyes_centi=without(slice(NOSE_PX, BELOW_PX), columns),
        mouth_centi=without(slice(ABOVE_PX, NOSE_PX), columns),
        sides_centi=min(
            without(rows, slice(BESIDE_PX, MIDDLE_PX)),
            without(rows, slice(MIDDLE_PX, WIDE.chip_px - BESIDE_PX)),
        ),
    )


def judged_halves(seen: Halves) -> list[Judged]:
    """Return every guess beside its bound."""
    return [
        Judged(f"{what} free, a guess", measured, f"at least {bound}", measured >= bound)
        for what, measured, bound in _guesses(seen)
    ]


def covered(seen: Halves) -> list[Shortfall]:
    """Return what seems to be covered, each in a sentence; nothing when all seems free."""
    return [
        Shortfall(
            Fault.COVERED,
            f"Something seems to cover the {what}: by themselves they look like a face by "
            f"{measured} where {bound} is needed. Take off dark glasses, mask or scarf, keep hair "
            "and hands away; if all is free, use another picture.",
        )
        for what, measured, bound in _guesses(seen)
        if measured < bound
    ]


def _guesses(seen: Halves) -> tuple[tuple[str, int, int], ...]:
    return (
        ("eyes", seen.eyes_centi, EYES_CENTI),
        ("mouth and chin", seen.mouth_centi, MOUTH_CENTI),
        ("sides", seen.sides_centi, SIDES_CENTI),
    )


def _score(head: Pixels, detector: Detector) -> float:
    """Return the highest score of a face whose middle is near the middle of the head."""
    low, high = WIDE.chip_px * 0.25, WIDE.chip_px * 0.75
    return max(
        (
            face.score
            for face in detector.above(head, SCORE_MIN)
            if low < face.box.x + face.box.width / 2 < high
            and low < face.box.y + face.box.height / 2 < high
        ),
        default=0.0,
    )
