from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from recognition.aligner import align
from recognition.eye import Eye
from recognition.face import Box, Face, Point, Points
from recognition.pixels import Pixels
from recognition.quality import (
    ENROLMENT,
    INNER,
    MATCHING,
    VIEW_PX,
    Bounds,
    Fault,
    Quality,
    measure,
    refused_by_points,
    shortfalls,
    view,
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


@pytest.mark.parametrize(("height_px", "eyes_px"), [(248, 14), (120, 10)])
def test_a_face_in_profile_is_turned_and_not_small(height_px: int, eyes_px: int) -> None:
    profile = replace(GOOD, face_height_px=height_px, inter_eye_px=eyes_px, yaw_centi=150)
    assert faults(profile) == faults(profile, MATCHING) == [Fault.TURNED]


def test_a_face_that_is_not_high_enough_is_small_in_profile_too() -> None:
    profile = replace(GOOD, face_height_px=40, inter_eye_px=5, yaw_centi=150)
    assert faults(profile, MATCHING) == [Fault.SMALL, Fault.TURNED]


def test_a_tilted_face_is_turned() -> None:
    assert faults(replace(GOOD, roll_deg=40)) == [Fault.TURNED]


def test_a_shortfall_says_what_was_measured_and_what_is_needed() -> None:
    (one,) = shortfalls(replace(GOOD, face_height_px=31), MATCHING)
    assert one.sentence == "The face is 31 px high where 48 are needed. Use a larger picture."


def test_a_face_without_a_distance_between_its_eyes_is_measured_all_the_same() -> None:
    eye, nose, mouth = Point(50, 40), Point(50, 60), Point(50, 70)
    face = Face(Box(30, 30, 40, 40), 0.6, Points(eye, eye, nose, mouth, mouth))
    assert measure(np.zeros((100, 100, 3), np.uint8), face).yaw_centi == 0


def face_of(height: float, *, nose_x: float = 0.5, tilt: float = 0.0) -> Face:
    """Return a frontal face of so many pixels, or with its nose aside, or tilted."""
    places = ((0.3, 0.4 - tilt), (0.7, 0.4 + tilt), (nose_x, 0.6), (0.35, 0.8), (0.65, 0.8))
    points = Points(*(Point(height * x, height * y) for x, y in places))
    return Face(Box(0, 0, height, height), 0.9, points)


@pytest.mark.parametrize(
    ("face", "fault"),
    [
        (face_of(100), None),
        (face_of(47), Fault.SMALL),
        (face_of(100, nose_x=0.66), Fault.TURNED),
        (face_of(100, tilt=0.2), Fault.TURNED),
    ],
)
def test_box_and_points_refuse_what_a_look_would_refuse(face: Face, fault: Fault | None) -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    looked = [one.fault for one in shortfalls(measure(grey, face), MATCHING)]
    assert refused_by_points(face, MATCHING) is fault
    assert (fault in looked) is (fault is not None)


def test_quality_is_measured_in_the_middle_of_the_standard_chip(eye: Eye, hopper: Pixels) -> None:
    (face,) = eye.detector.find(hopper)
    middle = align(hopper, face).pixels[25:125, 25:125].astype(int)
    assert np.abs(align(hopper, face, INNER).pixels - middle).max() <= 1


def test_a_larger_and_more_frontal_face_is_a_clearer_view() -> None:
    assert view(face_of(60)) < view(face_of(90, nose_x=0.55)) < view(face_of(90))


def test_beyond_the_size_of_a_chip_a_face_is_no_clearer() -> None:
    assert view(face_of(200)) == view(face_of(400)) == VIEW_PX
