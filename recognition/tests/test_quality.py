from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from recognition.eye import Eye
from recognition.face import Box, Face, Point, Points
from recognition.pixels import Pixels
from recognition.quality import (
    ENROLMENT,
    MATCHING,
    Bounds,
    Fault,
    Quality,
    measure,
    shortfalls,
)

GOOD = Quality(120, 60, 30, 50, 20, 0, 0)


def faults(quality: Quality, bounds: Bounds = ENROLMENT) -> list[Fault]:
    return [one.fault for one in shortfalls(quality, bounds)]


def of(eye: Eye, picture: Image.Image) -> Quality:
    pixels = np.asarray(picture)
    return measure(pixels, eye.detector.find(pixels)[0])


@pytest.mark.parametrize("name", ["hopper", "collins"])
def test_a_portrait_has_no_shortfall(eye: Eye, request: pytest.FixtureRequest, name: str) -> None:
    assert faults(of(eye, Image.fromarray(request.getfixturevalue(name)))) == []


def test_a_face_good_enough_for_a_list_is_good_enough_for_a_match() -> None:
    assert ENROLMENT.face_height_px >= MATCHING.face_height_px
    assert ENROLMENT.sharpness_centi >= MATCHING.sharpness_centi
    assert ENROLMENT.yaw_centi <= MATCHING.yaw_centi


def test_a_shrunken_face_is_small(eye: Eye, hopper: Pixels) -> None:
    assert Fault.SMALL in faults(of(eye, Image.fromarray(hopper).resize((100, 117))), MATCHING)


def test_a_blurred_face_is_blurred(eye: Eye, hopper: Pixels) -> None:
    blurred = Image.fromarray(hopper).filter(ImageFilter.GaussianBlur(9))
    assert Fault.BLURRED in faults(of(eye, blurred), MATCHING)


def test_a_dim_face_is_dark(eye: Eye, hopper: Pixels) -> None:
    assert Fault.DARK in faults(
        of(eye, ImageEnhance.Brightness(Image.fromarray(hopper)).enhance(0.2))
    )


def test_contrast_does_not_count_as_sharpness(eye: Eye, hopper: Pixels) -> None:
    flat = ImageEnhance.Contrast(Image.fromarray(hopper)).enhance(0.5)
    sharp, flattened = of(eye, Image.fromarray(hopper)), of(eye, flat)
    assert flattened.sharpness_centi == pytest.approx(sharp.sharpness_centi, rel=0.25)


def test_eyes_too_close_together_are_small() -> None:
    assert faults(replace(GOOD, inter_eye_px=10)) == [Fault.SMALL]


def test_an_overexposed_face_is_bright() -> None:
    assert faults(replace(GOOD, exposure_centi=95)) == [Fault.BRIGHT]


def test_a_face_in_half_profile_is_turned() -> None:
    assert faults(replace(GOOD, yaw_centi=-60)) == [Fault.TURNED]


def test_a_tilted_face_is_turned() -> None:
    assert faults(replace(GOOD, roll_deg=40)) == [Fault.TURNED]


def test_a_shortfall_says_what_was_measured_and_what_is_needed() -> None:
    (one,) = shortfalls(replace(GOOD, face_height_px=31), MATCHING)
    assert one.sentence == "The face is 31 px high where 48 are needed. Use a larger picture."


def test_a_face_without_a_distance_between_its_eyes_is_measured_all_the_same() -> None:
    eye, nose, mouth = Point(50, 40), Point(50, 60), Point(50, 70)
    face = Face(Box(30, 30, 40, 40), 0.6, Points(eye, eye, nose, mouth, mouth))
    assert measure(np.zeros((100, 100, 3), np.uint8), face).yaw_centi == 0
