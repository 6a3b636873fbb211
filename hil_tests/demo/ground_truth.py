"""Ground truth of the demo: which of the two people an event really shows, without the list.

The list has one entry, so each event names it, rightly or wrongly. In the drawn street there are
only two people. The person whose portrait is more similar to the event's crop is the true one.
"""

from pathlib import Path

from hil_tests.scenes.portraits import Person, portrait
from recognition.aligner import align
from recognition.eye import Eye
from recognition.picture import read_picture
from recognition.template import Template, similarity_ppm


def person_in(crop: Path, eye: Eye) -> Person | None:
    """Return which of the two people a crop shows; None when it shows no face."""
    seen = _template(crop, eye)
    if seen is None:
        return None
    scores = {}
    for person in Person:
        known = _template(portrait(person), eye)
        scores[person] = similarity_ppm(seen, known) if known else 0
    return max(scores, key=lambda person: scores[person])


def _template(path: Path, eye: Eye) -> Template | None:
    pixels = read_picture(path)
    faces = eye.detector.find(pixels)
    if not faces:
        return None
    return eye.embedder.template(align(pixels, faces[0], eye.manifest.embedder.alignment))
