from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from recognition.aligner import STANDARD, Alignment, Chip, align
from recognition.calibration import threshold_for
from recognition.eye import Eye
from recognition.face import Point
from recognition.pixels import Pixels
from recognition.template import Side, Template, similarity_ppm
from recognition.tests.golden import GOLDEN, golden_chip

DRIFT_PPM = 5_000
"""Most by which two kernel families may differ on one chip; 400 was measured on 900 faces."""


def template_of(eye: Eye, pixels: Pixels) -> Template:
    face = eye.detector.find(pixels)[0]
    return eye.embedder.template(align(pixels, face, eye.manifest.embedder.alignment))


def demanded_ppm(eye: Eye) -> int:
    """Return the threshold for seven people and one false alarm in a thousand strangers."""
    return threshold_for(eye.manifest.calibration, 7, 1000).score_ppm


def test_the_same_picture_gives_the_same_template(eye: Eye, hopper: Pixels) -> None:
    assert (template_of(eye, hopper).vector == template_of(eye, hopper).vector).all()


def test_a_drawn_picture_gives_the_recorded_template(eye: Eye) -> None:
    score_ppm = similarity_ppm(eye.embedder.template(golden_chip()), GOLDEN)
    assert score_ppm > 1_000_000 - DRIFT_PPM


def test_the_largest_component_is_127(eye: Eye, hopper: Pixels) -> None:
    vector = template_of(eye, hopper).vector
    assert vector.dtype == np.int8
    assert vector.shape == (128,)
    assert np.abs(vector.astype(int)).max() == 127


def test_a_mirrored_chip_gives_the_same_template(eye: Eye, hopper: Pixels) -> None:
    alignment = eye.manifest.embedder.alignment
    chip = align(hopper, eye.detector.find(hopper)[0], alignment)
    mirrored = Chip(np.ascontiguousarray(chip.pixels[:, ::-1]), alignment)
    there, back = eye.embedder.template(chip), eye.embedder.template(mirrored)
    assert (there.vector == back.vector).all()


def test_one_side_of_a_chip_is_the_other_side_of_its_mirror_image(eye: Eye, hopper: Pixels) -> None:
    alignment = eye.manifest.embedder.alignment
    chip = align(hopper, eye.detector.find(hopper)[0], alignment)
    mirrored = Chip(np.ascontiguousarray(chip.pixels[:, ::-1]), alignment)
    plain = eye.embedder.template(chip, Side.PLAIN)
    assert (plain.vector == eye.embedder.template(mirrored, Side.MIRRORED).vector).all()
    assert (plain.vector != eye.embedder.template(chip, Side.MIRRORED).vector).any()


def test_two_people_stay_below_the_threshold(eye: Eye, hopper: Pixels, collins: Pixels) -> None:
    score_ppm = similarity_ppm(template_of(eye, hopper), template_of(eye, collins))
    assert score_ppm < demanded_ppm(eye) - 20_000


VARIATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": lambda one: one.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "half the size": lambda one: one.resize((one.width // 2, one.height // 2)),
    "twice the size": lambda one: one.resize((one.width * 2, one.height * 2)),
    "blurred": lambda one: one.filter(ImageFilter.GaussianBlur(2)),
    "darker": lambda one: ImageEnhance.Brightness(one).enhance(0.6),
    "brighter": lambda one: ImageEnhance.Brightness(one).enhance(1.3),
    "grey": lambda one: one.convert("L").convert("RGB"),
    "tilted": lambda one: one.rotate(8, Image.Resampling.BILINEAR),
}


@pytest.mark.parametrize("variation", VARIATIONS)
@pytest.mark.parametrize("name", ["hopper", "collins"])
def test_the_same_person_stays_above_the_threshold(
    eye: Eye, request: pytest.FixtureRequest, name: str, variation: str
) -> None:
    pixels = request.getfixturevalue(name)
    varied = np.asarray(VARIATIONS[variation](Image.fromarray(pixels)))
    score_ppm = similarity_ppm(template_of(eye, pixels), template_of(eye, varied))
    assert score_ppm > demanded_ppm(eye)


def test_the_cosine_of_opposite_templates_is_minus_one() -> None:
    one = Template(np.full(128, 127, np.int8))
    assert similarity_ppm(one, Template(-one.vector)) == -1_000_000


def test_the_cosine_of_a_template_with_itself_is_one() -> None:
    one = Template(np.arange(-64, 64, dtype=np.int8))
    assert similarity_ppm(one, one) == 1_000_000


def test_a_template_prints_no_numbers(eye: Eye, hopper: Pixels) -> None:
    assert repr(template_of(eye, hopper)) == "Template()"


def test_a_chip_that_was_cut_for_another_net_gets_no_template(eye: Eye, hopper: Pixels) -> None:
    other = Alignment(112, tuple(Point(x / 2, y / 2) for x, y in STANDARD.points))  # type: ignore[arg-type]  # Five.
    chip = align(hopper, eye.detector.find(hopper)[0], other)
    with pytest.raises(ValueError, match="cut for another embedder"):
        eye.embedder.template(chip)
