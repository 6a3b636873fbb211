import numpy as np
import pytest
from PIL import Image

from recognition.eye import Eye
from recognition.face import Face
from recognition.pixels import Pixels

HOPPER_EYE = (227, 193)
"""Her right eye in the portrait, in pixels."""


def scaled(pixels: Pixels, width: int) -> Pixels:
    height = round(pixels.shape[0] * width / pixels.shape[1])
    return np.asarray(Image.fromarray(pixels).resize((width, height)))


def only(faces: list[Face]) -> Face:
    (face,) = faces
    return face


@pytest.mark.parametrize("width", [128, 256, 512, 1500, 4000])
def test_a_portrait_of_any_size_holds_one_face_in_its_place(
    eye: Eye, hopper: Pixels, width: int
) -> None:
    face = only(eye.detector.find(scaled(hopper, width)))
    scale = width / 512
    assert face.points.right_eye.x / scale == pytest.approx(HOPPER_EYE[0], abs=8)
    assert face.points.right_eye.y / scale == pytest.approx(HOPPER_EYE[1], abs=8)


def test_a_mirrored_face_is_found_mirrored(eye: Eye, collins: Pixels) -> None:
    there = only(eye.detector.find(collins)).box
    back = only(eye.detector.find(np.ascontiguousarray(collins[:, ::-1]))).box
    assert back.x + back.width == pytest.approx(512 - there.x, abs=6)


def test_two_people_are_two_faces_the_surer_first(
    eye: Eye, hopper: Pixels, collins: Pixels
) -> None:
    faces = eye.detector.find(np.concatenate([hopper[:512], collins], axis=1))
    assert len(faces) == 2
    assert faces[0].score >= faces[1].score


@pytest.mark.parametrize("grey", [0, 127, 255])
def test_an_even_picture_holds_no_face(eye: Eye, grey: int) -> None:
    assert eye.detector.find(np.full((480, 640, 3), grey, np.uint8)) == []


def test_noise_holds_no_face(eye: Eye) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert eye.detector.find(noise) == []


def test_a_picture_of_one_pixel_holds_no_face(eye: Eye) -> None:
    assert eye.detector.find(np.zeros((1, 1, 3), np.uint8)) == []


def test_a_very_long_picture_holds_no_face(eye: Eye) -> None:
    assert eye.detector.find(np.zeros((2, 9000, 3), np.uint8)) == []
