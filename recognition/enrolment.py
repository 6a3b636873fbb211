"""Enrolment: makes the template of a portrait, or refuses the portrait and says why.

The nets are the same as for a passer-by. The bounds of quality are narrower, because a list carries
a bad portrait to every camera. `agreement_ppm` measures whether several portraits show one person.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from recognition.aligner import align, framed
from recognition.errors import PictureRefused
from recognition.eye import Eye
from recognition.face import Face
from recognition.occlusion import WIDE, covered, halves, judged_halves
from recognition.pixels import Pixels
from recognition.quality import ENROLMENT, Judged, Quality, judged, measure, shortfalls
from recognition.template import Template, fuse, similarity_ppm

PORTRAIT: Final = framed(WIDE, 0, 2)
"""The head at twice the size in which its quality is measured."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The template and the quality of a portrait."""

    template: Template
    quality: Quality
    face: Face
    """The face in the picture."""


def enrol(
    picture: Pixels, eye: Eye, told: Callable[[list[Judged]], object] = lambda _: None
) -> Enrolled:
    """Return the template of the one face in `picture`.

    Args:
        picture: of one person.
        eye: the nets.
        told: is called with every measure and its bound, before a measure is refused.

    Raises:
        PictureRefused: there is no face, more than one, or its quality is too low.
    """
    faces = eye.detector.find(picture)
    if not faces:
        raise PictureRefused("There is no face in the picture: use a frontal portrait.")
    if len(faces) > 1:
        raise PictureRefused(
            f"There are {len(faces)} faces in the picture: crop it to the one person."
        )
    quality = measure(picture, faces[0])
    seen = halves(picture, faces[0], eye.detector)
    told(judged(quality, ENROLMENT) + judged_halves(seen))
    if wanting := shortfalls(quality, ENROLMENT) + covered(seen):
        raise PictureRefused(" ".join(one.sentence for one in wanting))
    chip = align(picture, faces[0], eye.manifest.embedder.alignment)
    return Enrolled(eye.embedder.template(chip), quality, faces[0])


def head(picture: Pixels, face: Face) -> Pixels:
    """Return the head alone, upright, for a person to look at: (512, 512, 3)."""
    return align(picture, face, PORTRAIT).pixels


def agreement_ppm(templates: Sequence[Template]) -> list[int]:
    """Return the cosine of each portrait with the sum of all the others, in millionths.

    Args:
        templates: of two portraits or more.
    """
    return [
        similarity_ppm(one, fuse([*templates[:at], *templates[at + 1 :]]))
        for at, one in enumerate(templates)
    ]
