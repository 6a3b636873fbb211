"""Occlusion is guessed from the detector's score of each half of a face."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from recognition.aligner import STANDARD, chip_to_picture
from recognition.enrolment import enrol, head
from recognition.errors import PictureRefused
from recognition.eye import Eye
from recognition.occlusion import covered, halves, judged_halves
from recognition.pixels import Pixels
from recognition.quality import Fault

EYES = [(15, 32), (135, 32), (135, 62), (15, 62)]
MOUTH = [(15, 76), (75, 66), (135, 76), (128, 135), (75, 155), (22, 135)]
CHEEK = [(30, 70), (45, 70), (45, 85), (30, 85)]


def painted(pixels: Pixels, eye: Eye, shape: list[tuple[int, int]], brightness: int) -> Pixels:
    """Return the picture with a flat shape over the face, in pixels of its chip."""
    turn, shift = chip_to_picture(eye.detector.find(pixels)[0].points, STANDARD)
    places = [turn * complex(*corner) + shift for corner in shape]
    picture = Image.fromarray(pixels)
    outline = [(place.real, place.imag) for place in places]
    ImageDraw.Draw(picture).polygon(outline, fill=(brightness,) * 3)
    return np.array(picture)


@pytest.fixture(params=["hopper", "collins"])
def person(request: pytest.FixtureRequest) -> Pixels:
    """Each of the two portraits."""
    pixels: Pixels = request.getfixturevalue(request.param)
    return pixels


def test_a_free_face_is_free(eye: Eye, person: Pixels) -> None:
    seen = halves(person, eye.detector.find(person)[0], eye.detector)
    assert covered(seen) == []
    assert all(one.passes for one in judged_halves(seen))


def test_covered_eyes_are_named(eye: Eye, person: Pixels) -> None:
    pixels = painted(person, eye, EYES, 10)
    wanting = covered(halves(pixels, eye.detector.find(pixels)[0], eye.detector))
    assert "cover the eyes:" in " ".join(one.sentence for one in wanting)
    assert {one.fault for one in wanting} == {Fault.COVERED}


def test_a_covered_mouth_is_named(eye: Eye, person: Pixels) -> None:
    pixels = painted(person, eye, MOUTH, 40)
    wanting = covered(halves(pixels, eye.detector.find(pixels)[0], eye.detector))
    assert "cover the mouth and chin:" in " ".join(one.sentence for one in wanting)


def test_a_small_spot_covers_nothing(eye: Eye, hopper: Pixels) -> None:
    pixels = painted(hopper, eye, CHEEK, 30)
    assert covered(halves(pixels, eye.detector.find(pixels)[0], eye.detector)) == []


def test_the_guess_is_the_same_for_a_picture_of_any_size(eye: Eye, collins: Pixels) -> None:
    large = np.asarray(Image.fromarray(collins).resize((2048, 2048)))
    one, other = (
        halves(pixels, eye.detector.find(pixels)[0], eye.detector) for pixels in (collins, large)
    )
    assert one.eyes_centi == pytest.approx(other.eyes_centi, abs=8)
    assert one.mouth_centi == pytest.approx(other.mouth_centi, abs=8)


def test_a_covered_face_is_not_enrolled(eye: Eye, hopper: Pixels) -> None:
    with pytest.raises(PictureRefused, match=r"cover the mouth and chin.*use another picture"):
        enrol(painted(hopper, eye, MOUTH, 40), eye)


def test_the_head_alone_is_upright_and_of_one_size(eye: Eye, hopper: Pixels) -> None:
    alone = head(hopper, eye.detector.find(hopper)[0])
    assert alone.shape == (512, 512, 3)
    (face,) = eye.detector.find(alone)
    assert face.points.right_eye.y == pytest.approx(face.points.left_eye.y, abs=8)
