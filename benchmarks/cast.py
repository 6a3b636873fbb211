"""The people of a scene and the list's templates: two portraits, or the people of a ZIP.

Of the two portraits Grace Hopper is on the list. Of a ZIP every second person is, by a picture that
is not shown. No picture and no template is kept.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Final, Self

import numpy as np
from PIL import Image

from hil_tests.scenes.people import Pedestrian, archived, portrayed
from recognition.enrolment import enrol
from recognition.errors import PictureRefused
from recognition.eye import Eye

MOST: Final = 40
"""People of a ZIP who walk: two turns of twenty."""


@dataclass(frozen=True, slots=True, repr=False)
class Cast:
    """Who walks, and the template of each who is on the list, by the place among those who walk."""

    people: Sequence[Pedestrian]
    listed: Mapping[int, bytes]

    @classmethod
    def of(cls, eye: Eye, archive: Path | None = None) -> Self:
        """Return the two portraits, or the first people of a ZIP of `Person_Name/picture.jpg`.

        Portraits that are too poor for a list are left out of it.
        """
        if archive is None:
            people = portrayed(eye.detector)
            return cls(people, {0: _template(people[0], eye)})
        people = list(islice(archived(archive, eye.detector), MOST))
        listed = {}
        for place in range(0, len(people), 2):
            with suppress(PictureRefused):
                listed[place] = _template(people[place], eye)
        return cls(people, listed)


def _template(person: Pedestrian, eye: Eye) -> bytes:
    with Image.open(BytesIO(person.enrolment)) as picture:
        return enrol(np.asarray(picture.convert("RGB")), eye).template.vector.tobytes()
