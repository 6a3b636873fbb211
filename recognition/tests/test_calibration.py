import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.calibration import Calibration, Rate, threshold_for
from recognition.errors import ListNotServed

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
