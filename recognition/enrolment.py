"""Makes the template of a portrait, or says in one sentence why the portrait will not do.

The same nets that judge a passer-by judge the portrait; the bounds are narrower, because a list
carries a bad portrait to every camera. Several portraits of one person must agree with each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from recognition.aligner import align, framed
from recognition.errors import PictureRefused
from recognition.eye import Eye
from recognition.face import Face
from recognition.occlusion import WIDE, covered, halves, judged_halves
from recognition.picture import Pixels
from recognition.quality import ENROLMENT, Judged, Quality, judged, measure, shortfalls
from recognition.template import Template, fuse, similarity_ppm

PORTRAIT: Final = framed(WIDE, 0, 2)
"""The head at twice the size in which it is judged."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A portrait's template and how good the portrait was."""

    template: Template
    quality: Quality
    face: Face
    """Where it is in the picture."""


def enrol(
    picture: Pixels, eye: Eye, told: Callable[[list[Judged]], object] = lambda _: None
) -> Enrolled:
    """Return the template of the one face in `picture`.

    Args:
        picture: of one person.
        eye: the nets.
        told: gets every measure beside its bound before anything is refused for it.

    Raises:
        PictureRefused: there is no face, more than one, or one that is not good enough.
    """
    faces = eye.detector.find(picture)
    if not faces:
        raise PictureRefused("There is no face in the picture: use a frontal portrait.")
    if len(faces) > 1:
        raise PictureRefused(
            f"There are {len(faces)} faces in the picture: cut it down to the one person."
        )
    quality = measure(picture, faces[0])
    seen = halves(picture, faces[0], eye.detector)
    told(judged(quality, ENROLMENT) + judged_halves(seen))
    if wanting := shortfalls(quality, ENROLMENT) + covered(seen):
        raise PictureRefused(" ".join(one.sentence for one in wanting))
    chip = align(picture, faces[0], eye.manifest.embedder.alignment)
    return Enrolled(eye.embedder.template(chip), quality, faces[0])


def head(picture: Pixels, face: Face) -> Pixels:
    """Return the head alone, upright, for people to look at: (512, 512, 3)."""
    return align(picture, face, PORTRAIT).pixels


def agreement_ppm(templates: Sequence[Template]) -> list[int]:
    """Return how alike each portrait is to the sum of all the others, in millionths.

    Args:
        templates: of two portraits or more.
    """
    return [
        similarity_ppm(one, fuse([*templates[:at], *templates[at + 1 :]]))
        for at, one in enumerate(templates)
    ]
