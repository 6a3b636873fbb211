"""Check the quality of enrolment pictures: refuse a poor one, another person's and a copy.

Every picture of a person is measured before one is refused. So the person at the desk sees at once
every measure of every picture, and learns at the first attempt what is wrong with each. Nothing is
stored here.
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

ReportMeasures: TypeAlias = Callable[[Path, list[Judged]], object]
"""Is called with measures of one picture, each beside its bound."""


def enrol_all(
    pictures: Sequence[Path], eye: Eye, fpir_ppm: int, report: ReportMeasures
) -> list[Enrolled]:
    """Return the template and the quality of each picture.

    Args:
        pictures: files with a portrait of the same person.
        eye: the site's nets.
        fpir_ppm: false alarms that the policy accepts, per million passers-by.
        report: is called with what was measured.

    Raises:
        PictureRefused: a picture misses a bound or shows another person than the others; every
            refused picture is named.
    """
    enrolled, refused = [], []
    for path in pictures:
        try:
            enrolled.append(enrol(read_picture(path), eye, partial(report, path)))
        except PictureRefused as error:
            refused.append(str(error) if len(pictures) == 1 else f"{path.name}: {error}")
    if refused:
        raise PictureRefused(" ".join(refused))
    if len(enrolled) > 1:
        _refuse_other_people(pictures, enrolled, eye, fpir_ppm, report)
        _refuse_copies(pictures, enrolled)
    return enrolled


def _refuse_other_people(
    pictures: Sequence[Path],
    enrolled: Sequence[Enrolled],
    eye: Eye,
    fpir_ppm: int,
    report: ReportMeasures,
) -> None:
    """Raise unless each picture resembles the sum of the others as much as a camera demands."""
    threshold = threshold_for(eye.manifest.calibration, 1, fpir_ppm, Grade.FUSED)
    needed, refused = -(-threshold.score_ppm // 10_000), []
    alike = agreement_ppm([one.template for one in enrolled])
    for path, score_ppm in zip(pictures, alike, strict=True):
        passes = score_ppm >= threshold.score_ppm
        likeness = score_ppm // 10_000
        report(path, [Judged("like the others, %", likeness, f"at least {needed}", passes)])
        if not passes:
            refused.append(f"{path.name} ({likeness} %)")
    if refused:
        raise PictureRefused(
            f"The pictures do not agree: {', '.join(refused)}, where {needed} % is needed. Use "
            "pictures of one person only, and leave out a picture that is too old or too unlike."
        )


def _refuse_copies(pictures: Sequence[Path], enrolled: Sequence[Enrolled]) -> None:
    """Raise if a picture is there twice: a copy adds false alarms and finds no more faces."""
    seen: dict[bytes, str] = {}
    for path, one in zip(pictures, enrolled, strict=True):
        template = one.template.vector.tobytes()
        if template in seen:
            both = f"{seen[template]} and {path.name}"
            raise PictureRefused(f"{both} are the same picture: leave one out.")
        seen[template] = path.name
