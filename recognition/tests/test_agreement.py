"""What several anchors say of one place is a face only when they agree where it is."""

import numpy as np
from numpy.typing import NDArray

from recognition.detector import _merged

CENTRE, SIZE = (100.0, 100.0), (40.0, 40.0)
POINTS = ((90, 90), (110, 90), (100, 102), (100, 112), (80, 95), (120, 95))


def anchors(count: int, off_px: float) -> NDArray[np.float32]:
    """The same face as several anchors see it, (count, 8, 2), each a little off."""
    places = np.tile(np.array([CENTRE, SIZE, *POINTS], np.float32), (count, 1, 1))
    off = np.random.default_rng(1).normal(0, off_px, places.shape)
    return places + off.astype(np.float32)


def found(places: NDArray[np.float32], scores: list[float]) -> list[float]:
    return [score for _, score in _merged(places, np.array(scores, np.float32))]


def test_anchors_that_agree_are_a_face() -> None:
    assert len(found(anchors(4, 0.5), [0.6, 0.5, 0.4, 0.3])) == 1


def test_anchors_that_agree_make_up_for_a_low_score() -> None:
    assert len(found(anchors(4, 0.2), [0.45, 0.4, 0.4, 0.3])) == 1


def test_anchors_that_disagree_are_no_face() -> None:
    assert found(anchors(4, 4.0), [0.6, 0.5, 0.4, 0.3]) == []


def test_one_anchor_alone_must_be_very_sure() -> None:
    assert found(anchors(1, 0.0), [0.7]) == []
    assert len(found(anchors(1, 0.0), [0.8])) == 1


def test_only_sure_anchors_say_where_the_face_is() -> None:
    places = anchors(3, 0.0)
    places[2, 0] += 3
    ((mean, _),) = _merged(places, np.array([0.9, 0.8, 0.4], np.float32))
    assert np.allclose(mean, places[0])
