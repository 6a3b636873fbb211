import numpy as np
import pytest
from PIL import Image, ImageFilter

from recognition.enrolment import enrol
from recognition.errors import PictureRefused
from recognition.eye import Eye
from recognition.pixels import Pixels


def test_a_portrait_is_enrolled(eye: Eye, hopper: Pixels) -> None:
    enrolled = enrol(hopper, eye)
    assert enrolled.quality.face_height_px == pytest.approx(220, abs=10)


def test_a_large_photograph_is_enrolled(eye: Eye, collins: Pixels) -> None:
    large = np.asarray(Image.fromarray(collins).resize((3400, 3400)))
    assert enrol(large, eye).quality.inter_eye_px > 200


def test_a_picture_without_a_face_is_refused(eye: Eye) -> None:
    with pytest.raises(PictureRefused, match="There is no face in the picture"):
        enrol(np.full((300, 300, 3), 127, np.uint8), eye)


def test_a_picture_of_two_people_is_refused(eye: Eye, hopper: Pixels, collins: Pixels) -> None:
    both = np.concatenate([hopper[:512], collins], axis=1)
    with pytest.raises(PictureRefused, match="There are 2 faces in the picture"):
        enrol(both, eye)


def test_a_small_face_is_refused(eye: Eye, hopper: Pixels) -> None:
    small = np.asarray(Image.fromarray(hopper).resize((128, 150)))
    with pytest.raises(PictureRefused, match=r"px high where 80 are needed"):
        enrol(small, eye)


def test_a_blurred_face_is_refused(eye: Eye, hopper: Pixels) -> None:
    blurred = np.asarray(Image.fromarray(hopper).filter(ImageFilter.GaussianBlur(9)))
    with pytest.raises(PictureRefused, match="The face is blurred"):
        enrol(blurred, eye)


def test_a_smear_is_refused(eye: Eye, hopper: Pixels) -> None:
    smear = Image.fromarray(hopper).crop((150, 100, 370, 380)).resize((22, 28))
    with pytest.raises(PictureRefused):
        enrol(np.asarray(smear), eye)
