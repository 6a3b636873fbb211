import numpy as np
import pytest

from recognition.aligner import STANDARD, Alignment, Chip, align, reach
from recognition.face import Box, Face, Point, Points
from recognition.pixels import Pixels


def face_at(scale: float, turn: complex, x: float, y: float) -> Face:
    """Return a face whose five points are those of the alignment, scaled, turned and moved."""
    moved = [complex(*point) * scale * turn + complex(x, y) for point in STANDARD.points]
    points = Points(*(Point(one.real, one.imag) for one in moved))
    return Face(Box(x, y, STANDARD.chip_px * scale, STANDARD.chip_px * scale), 1.0, points)


def gradient() -> Pixels:
    rows, columns = np.mgrid[:400, :400]
    channels = [columns // 2, rows // 2, columns * 0]
    return np.stack(channels, axis=2, dtype=np.uint8, casting="unsafe")


def test_a_face_on_the_template_is_cut_out_as_it_is() -> None:
    picture = gradient()
    chip = align(picture, face_at(1, 1, 100, 50)).pixels.astype(int)
    assert np.abs(chip - picture[50:200, 100:250]).max() <= 1


def test_a_large_face_is_averaged_down() -> None:
    stripes = np.tile(np.array([[[0] * 3, [255] * 3]], np.uint8), (400, 200, 1))
    chip = align(stripes, face_at(2.2, 1, 40, 30))
    assert chip.pixels.min() > 120
    assert chip.pixels.max() < 135


def test_a_tilted_face_is_turned_upright() -> None:
    chip = align(gradient(), face_at(1, 1j, 300, 100))
    red, green = chip.pixels[75, 75, 0], chip.pixels[75, 75, 1]
    # The middle of a chip turned by a quarter round (300, 100) lies at (225, 175).
    assert int(red) == pytest.approx(225 // 2, abs=1)
    assert int(green) == pytest.approx(175 // 2, abs=1)


def test_beyond_the_border_the_border_repeats() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    assert align(white, face_at(1, 1, -60, -60)).pixels.min() == 255


def test_a_face_wholly_beyond_the_picture_is_cut_from_its_corner() -> None:
    picture = np.zeros((10, 10, 3), np.uint8)
    picture[9, 9] = 200
    assert align(picture, face_at(1, 1, 500, 500)).pixels.min() == 200


@pytest.mark.parametrize(("x", "y"), [(100.3, 50.6), (-60.3, -60.6), (350.3, 200.6), (500, 500)])
@pytest.mark.parametrize("turn", [1, 1j, 0.8 + 0.6j])
def test_a_chip_from_the_part_that_it_reaches_is_that_from_the_whole_picture(
    turn: complex, x: float, y: float
) -> None:
    picture, face = gradient(), face_at(2.3, turn, x, y)
    part = reach(face, [STANDARD])
    left, top = (min(max(0, int(at) - 1), 398) for at in (part.x, part.y))
    right, bottom = (int(at) + 2 for at in (part.x + part.width, part.y + part.height))
    cut = picture[top : max(top + 2, bottom), left : max(left + 2, right)]
    assert (align(cut, face.from_corner(left, top)).pixels == align(picture, face).pixels).all()


def test_a_chip_prints_no_pixels() -> None:
    assert repr(Chip(np.zeros((150, 150, 3), np.uint8))) == "Chip()"


def test_a_net_that_wants_smaller_chips_gets_them() -> None:
    small = Alignment(75, tuple(Point(x / 2, y / 2) for x, y in STANDARD.points))  # type: ignore[arg-type]  # Five.
    picture = gradient()
    chip = align(picture, face_at(1, 1, 100, 50), small)
    assert chip.pixels.shape == (75, 75, 3)
    assert int(chip.pixels[37, 37, 0]) == pytest.approx(175 // 2, abs=1)
