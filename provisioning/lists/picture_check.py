"""The gate: every picture of a person is measured, and all must be good and show the same person.

Whoever enrols somebody is told everything that was measured, of every picture, before anything is
refused: a second attempt should not be needed to learn what else is wrong.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

from recognition.calibration import Grade, threshold_for
from recognition.enrolment import Enrolled, agreement_ppm, enrol
from recognition.errors import PictureRefused
from recognition.eye import Eye
from recognition.picture import read_picture
from recognition.quality import Judged

Told: TypeAlias = Callable[[Path, list[Judged]], object]
"""Gets measures of one picture, each beside its bound."""


def enrol_all(pictures: Sequence[Path], eye: Eye, fpir_ppm: int, told: Told) -> list[Enrolled]:
    """Return the template and the quality of each picture.

    Args:
        pictures: files with a portrait of the same person.
        eye: the site's nets.
        fpir_ppm: how often the policy accepts that a stranger is taken for somebody.
        told: gets what was measured.

    Raises:
        PictureRefused: a picture will not do, or shows somebody else than the others; all that
            are refused are named.
    """
    enrolled, refused = [], []
    for path in pictures:
        try:
            enrolled.append(enrol(read_picture(path), eye, partial(told, path)))
        except PictureRefused as error:
            refused.append(str(error) if len(pictures) == 1 else f"{path.name}: {error}")
    if refused:
        raise PictureRefused(" ".join(refused))
    if len(enrolled) > 1:
        _refuse_strangers(pictures, enrolled, eye, fpir_ppm, told)
    return enrolled


def _refuse_strangers(
    pictures: Sequence[Path], enrolled: Sequence[Enrolled], eye: Eye, fpir_ppm: int, told: Told
) -> None:
    """Do nothing if each picture is as like the sum of the others as a camera would demand."""
    threshold = threshold_for(eye.manifest.calibration, 1, fpir_ppm, Grade.FUSED)
    needed, strangers = -(-threshold.score_ppm // 10_000), []
    alike = agreement_ppm([one.template for one in enrolled])
    for path, score_ppm in zip(pictures, alike, strict=True):
        passes = score_ppm >= threshold.score_ppm
        likeness = score_ppm // 10_000
        told(path, [Judged("like the others, %", likeness, f"at least {needed}", passes)])
        if not passes:
            strangers.append(f"{path.name} ({likeness} %)")
    if strangers:
        raise PictureRefused(
            f"The pictures do not agree: {', '.join(strangers)}, where {needed} % is needed. Use "
            "pictures of one person only, and leave out what is too old or too unlike."
        )
    _refuse_copies(pictures, enrolled)


def _refuse_copies(pictures: Sequence[Path], enrolled: Sequence[Enrolled]) -> None:
    """Do nothing if no picture is there twice: it would cost false alarms and find nobody."""
    seen: dict[bytes, str] = {}
    for path, one in zip(pictures, enrolled, strict=True):
        template = one.template.vector.tobytes()
        if template in seen:
            both = f"{seen[template]} and {path.name}"
            raise PictureRefused(f"{both} are the same picture: leave one out.")
        seen[template] = path.name
