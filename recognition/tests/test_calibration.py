from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.calibration import Calibration, Grade, Rate, grade, threshold_for
from recognition.errors import ListNotServed
from recognition.quality import Quality

TABLE = Calibration(
    embedder_digest=bytes(32),
    runtime="none",
    pictures="none",
    pairs=1,
    command="none",
    rates=(
        Rate(900_000, 900_000, 1_000_000),
        Rate(910_000, 90_000, 100_000),
        Rate(920_000, 9_000, 10_000),
    ),
)


def test_the_lowest_fitting_threshold_is_taken() -> None:
    assert threshold_for(TABLE, 7, 1000).score_ppm == 910_000


def test_a_longer_list_demands_a_higher_score() -> None:
    assert threshold_for(TABLE, 50, 1000).score_ppm == 920_000


def test_the_prediction_is_the_formula_of_the_upper_bound() -> None:
    assert threshold_for(TABLE, 7, 1000).predicted_fpir_ppb == pytest.approx(700_000, rel=1e-3)


def test_a_list_that_is_too_long_is_refused_with_figures() -> None:
    with pytest.raises(ListNotServed, match=r"A list of 1000 .* 10 false .* 9950 at best"):
        threshold_for(TABLE, 1000, 10)


@given(size=st.integers(1, 90), budget_ppm=st.integers(1000, 10_000))
def test_no_prediction_exceeds_its_budget(size: int, budget_ppm: int) -> None:
    assert threshold_for(TABLE, size, budget_ppm).predicted_fpir_ppb <= budget_ppm * 1000


APART = replace(
    TABLE,
    good=(Rate(905_000, 90_000, 100_000),),
    fused=(Rate(930_000, 90_000, 100_000),),
)


def test_a_good_probe_is_held_to_the_rates_of_good_probes() -> None:
    assert threshold_for(APART, 7, 1000, Grade.GOOD).score_ppm == 905_000


def test_without_rates_of_their_own_good_probes_are_held_to_the_strictest() -> None:
    assert threshold_for(TABLE, 7, 1000, Grade.GOOD) == threshold_for(TABLE, 7, 1000)


def test_a_fused_probe_is_held_to_the_rates_of_fused_probes() -> None:
    assert threshold_for(APART, 7, 1000, Grade.FUSED).score_ppm == 930_000


def test_fused_probes_that_were_never_calibrated_are_refused() -> None:
    with pytest.raises(ListNotServed, match="not calibrated for fused probes"):
        threshold_for(TABLE, 7, 1000, Grade.FUSED)


FRONTAL = Quality(
    face_height_px=120,
    inter_eye_px=45,
    sharpness_centi=20,
    exposure_centi=50,
    contrast_centi=15,
    yaw_centi=0,
    roll_deg=0,
)


@pytest.mark.parametrize(
    ("height_px", "expected"), [(80, Grade.GOOD), (79, Grade.FAIR), (48, Grade.FAIR), (47, None)]
)
def test_a_face_has_the_grade_of_the_bounds_it_keeps(
    height_px: int, expected: Grade | None
) -> None:
    assert grade(replace(FRONTAL, face_height_px=height_px)) is expected
