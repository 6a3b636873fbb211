"""Search: compares one template with every template of a list (1:N), and the list with itself.

Products of int8 are summed in float32. Up to 1,040 dimensions every partial sum is a whole number
below 2^24 and therefore exact, so the machine's fast matrix product gives the same score as integer
arithmetic.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recognition.template import PPM, Template, cosines_ppm

HANDLE_BYTES: Final = 16
DIMENSIONS_MAX: Final = 1040
"""127 * 127 * 1040 is just below 2^24; above it float32 cannot hold every whole number."""

BLOCK: Final = 256
"""Rows that are compared with all others at once: 100 MB for a list of 100,000."""


class Pair(NamedTuple):
    """The places of two templates of a list, and their similarity."""

    score_ppm: int
    """Their cosine in millionths."""
    one: int
    other: int


class Gallery:
    """The templates of one list, in memory only. Its `repr` shows no entry."""

    def __init__(self, handles: NDArray[np.uint8], templates: NDArray[np.int8]) -> None:
        """Hold the columns of a list.

        Args:
            handles: (n, 16), one per template; several templates may share one. n is 1 or more.
            templates: (n, dim), as `Embedder` makes them.

        Raises:
            ValueError: the columns are empty or of unlike shapes.
        """
        count, dimensions = templates.shape
        if not count or handles.shape != (count, HANDLE_BYTES) or dimensions > DIMENSIONS_MAX:
            raise ValueError("A gallery takes (n, 16) handles and (n, dim) templates, n > 0.")
        self._handles = handles
        self._templates = templates.astype(np.float32)
        self._squares = np.square(templates.astype(np.int64)).sum(axis=1)
        self._lengths = np.sqrt(self._squares)

    def __repr__(self) -> str:
        return "Gallery()"

    def best(self, template: Template) -> tuple[int, int]:
        """Return the place of the most similar template and its cosine in millionths."""
        return self.best_each([template])[0]

    def best_each(self, templates: Sequence[Template]) -> list[tuple[int, int]]:
        """Return `best` of each template; one matrix product reads the list once for all."""
        if not templates:
            return []
        vectors = np.array([one.vector for one in templates])
        dots = vectors.astype(np.float32) @ self._templates.T
        places = np.argmax(dots / self._lengths, axis=1)
        squares = np.square(vectors.astype(np.int64)).sum(axis=1)
        highest = dots[np.arange(len(places)), places]
        scores_ppm = cosines_ppm(highest, self._squares[places], squares)
        return list(zip(places.tolist(), scores_ppm.tolist(), strict=True))

    def ceiling(self) -> Pair | None:
        """Return the two most similar templates of different people; None for one person."""
        people = np.unique(self._handles, axis=0, return_inverse=True)[1].reshape(-1)
        highest: Pair | None = None
        for start in range(0, len(people), BLOCK):
            rows = slice(start, start + BLOCK)
            dots = self._templates[rows] @ self._templates.T
            others = people[rows, None] != people
            if others.any():
                pairs_ppm = cosines_ppm(dots, self._squares[rows, None], self._squares)
                place = int(np.argmax(np.where(others, pairs_ppm, -PPM - 1)))
                one, other = divmod(place, len(people))
                found = Pair(int(pairs_ppm[one, other]), start + one, other)
                highest = max(highest or found, found)
        return highest
