"""The decoding of a detector's map: which faces its cells hold, and where."""

import numpy as np
import pytest
from numpy.typing import NDArray

from recognition import detector
from recognition.contract import Decode, TensorSpec
from recognition.detector import FACES_MOST, Detector, _Grid, _same
from recognition.face import Box, Face, Point, Points
from recognition.pixels import Pixels

ROWS, COLUMNS, STRIDE_PX = 3, 4, 8
SPEC = TensorSpec((1, ROWS, COLUMNS, 16), 0.05, -128)
DECODE = Decode(STRIDE_PX, (4.0,) * 16, (1.0,) * 16)
"""value = (stored + 128) / 20 - 4: from -4 to 8.75."""

FACE = (6.0, 6.0, 0.5, 0.25, 0.0, 0.7, 0.1, 0.1, 0.9, 0.1, 0.5, 0.4, 0.2, 0.8, 0.8, 0.8)


def stored(cells: dict[tuple[int, int], tuple[float, ...]]) -> NDArray[np.int8]:
    """Return a map in which these cells, (row, column), hold these values."""
    values = np.full((1, ROWS, COLUMNS, 16), -4.0)
    for (row, column), value in cells.items():
        values[0, row, column] = value
    whole: NDArray[np.int8] = np.rint((values + 4) * 20 - 128).astype(np.int8)
    return whole


def test_a_cell_says_where_its_face_is() -> None:
    (face,) = _Grid(SPEC, DECODE).faces(stored({(1, 2): FACE}))
    assert face.box.x + face.box.width / 2 == pytest.approx((2 + 0.5) * STRIDE_PX)
    assert face.box.y + face.box.height / 2 == pytest.approx((1 + 0.25) * STRIDE_PX)
    assert face.box.width == pytest.approx(STRIDE_PX)
    assert face.box.height == pytest.approx(np.exp(0.7) * STRIDE_PX)
    assert face.points.nose == pytest.approx(Point(2.5 * STRIDE_PX, 1.4 * STRIDE_PX))
    assert face.points.left_mouth == pytest.approx(Point(2.8 * STRIDE_PX, 1.8 * STRIDE_PX))


def test_the_score_is_the_geometric_mean_of_both() -> None:
    (face,) = _Grid(SPEC, DECODE).faces(stored({(0, 0): (6.0, 1.0, *FACE[2:])}))
    assert face.score == pytest.approx(np.sqrt(1 / (1 + np.exp(-6.0)) / (1 + np.exp(-1.0))))


@pytest.mark.parametrize("logits", [(-1.0, 6.0), (6.0, -1.0), (0.5, 0.5)])
def test_a_cell_below_the_score_gives_no_face(logits: tuple[float, float]) -> None:
    assert list(_Grid(SPEC, DECODE).faces(stored({(0, 0): (*logits, *FACE[2:])}))) == []


def test_a_map_without_a_face_gives_none() -> None:
    assert list(_Grid(SPEC, DECODE).faces(stored({}))) == []


def test_of_a_wall_of_faces_the_best_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "CELLS_MOST", 2)
    wall = stored({(0, at): (score, 6.0, *FACE[2:]) for at, score in enumerate((3.0, 5.0, 4.0))})
    found = [face.box.x // STRIDE_PX for face in _Grid(SPEC, DECODE).faces(wall)]
    assert found == [1, 2]


def test_a_picture_has_no_more_faces_than_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = [face_at(100.0 * at) for at in range(FACES_MOST + 9)]
    finder = Detector(())
    monkeypatch.setattr(finder, "_passes", [Wall(faces)])
    assert finder.find(np.zeros((1, 1, 3), np.uint8)) == faces[:FACES_MOST]


class Wall:
    """A pass that finds the faces it was made with."""

    def __init__(self, faces: list[Face]) -> None:
        self._faces = faces

    def find(self, _pixels: Pixels, _score_min: float) -> list[Face]:
        return self._faces


def face_at(x: float) -> Face:
    return Face(Box(x, 0, 10, 10), 0.9, Points(*5 * (Point(x, 0),)))


def test_two_boxes_that_share_most_are_one_face() -> None:
    assert _same(Box(0, 0, 10, 10), Box(2, 0, 10, 10))
    assert _same(Box(0, 0, 30, 30), Box(5, 5, 10, 10))


def test_two_boxes_side_by_side_are_two_faces() -> None:
    assert not _same(Box(0, 0, 10, 10), Box(9, 0, 10, 10))
