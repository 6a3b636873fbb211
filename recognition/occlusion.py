"""Occlusion: guesses whether glasses, a mask or a hand covers a part of a face.

One half of the face is made grey, and the detector scores the other half. It still finds a half
that is free, and does not find a half that is covered. This is a guess, and every message says so:
it overlooks a hand on a cheek, and takes some free faces for covered.
`python -m models.evaluate.covered_faces` measures how often; the bounds below come from it.
"""

from dataclasses import dataclass
from typing import Final

from recognition.aligner import STANDARD, align, framed
from recognition.detector import Detector
from recognition.face import Face
from recognition.pixels import Pixels
from recognition.quality import Fault, Judged, Shortfall

MARGIN_PX: Final = 53
"""Margin around the chip in which quality is measured, because a detector needs the whole head."""
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
"""A score of the detector below this counts as zero."""
EYES_CENTI: Final = 70
MOUTH_CENTI: Final = 25
SIDES_CENTI: Final = 20
"""Least score of the eyes, of the mouth, and of the worse of the two sides, each alone. All free
official portraits that were measured have 85, 70 and 66 or more (`python -m
models.evaluate.covered_faces`)."""


@dataclass(frozen=True, slots=True)
class Halves:
    """The detector's score of each half of a face alone, in hundredths."""

    eyes_centi: int
    mouth_centi: int
    sides_centi: int
    """Of the worse of the two sides."""


def halves(pixels: Pixels, face: Face, detector: Detector) -> Halves:
    """Return the detector's score of each half of the face alone."""
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
    """Return every guess with its bound."""
    return [
        Judged(f"{what} free, a guess", measured, f"at least {bound}", measured >= bound)
        for what, measured, bound in _guesses(seen)
    ]


def covered(seen: Halves) -> list[Shortfall]:
    """Return what seems to be covered, each in a sentence; empty: all seems free."""
    return [
        Shortfall(
            Fault.COVERED,
            f"Something seems to cover the {what}: alone they score {measured} as a face, and "
            f"{bound} is needed. Take off dark glasses, mask or scarf, keep hair and hands away; "
            "if all is free, use another picture.",
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
    """Return the highest score of a face whose centre is near the centre of the head."""
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
