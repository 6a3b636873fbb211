from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.calibration import PPB, Calibration, Grade, Groups, Rate, grade, threshold_for
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
    groups=Groups(100, "none", "none"),
)
"""All groups alike: the factor is 1."""

UNLIKE = replace(TABLE, groups=Groups(250, "women of a set", "women of a set"))
"""People of the worst group are taken for each other 2.5 times as often as people at large."""


def test_the_lowest_fitting_threshold_is_taken() -> None:
    assert threshold_for(TABLE, 7, 1000).score_ppm == 910_000


def test_a_longer_list_demands_a_higher_score() -> None:
    assert threshold_for(TABLE, 50, 1000).score_ppm == 920_000


def test_the_prediction_is_the_formula_of_the_upper_bound() -> None:
    assert threshold_for(TABLE, 7, 1000).predicted_fpir_ppb == pytest.approx(700_000, rel=1e-3)


def test_a_list_that_is_too_long_is_refused_with_figures() -> None:
    refusal = r"A list of 1000 .* 10 false .* 24690 at best where all are of one group, 9950 on"
    with pytest.raises(ListNotServed, match=refusal):
        threshold_for(UNLIKE, 1000, 10)


def test_the_worst_group_is_held_to_the_budget() -> None:
    # 7 people at 100,000 ppb are 700 in a million on average, and 1,750 for the worst group.
    assert threshold_for(UNLIKE, 7, 1000).score_ppm == 920_000
    assert threshold_for(UNLIKE, 7, 1750).score_ppm == 910_000


def test_a_threshold_tells_the_average_apart_from_the_worst_group() -> None:
    chosen = threshold_for(UNLIKE, 7, 1750)
    assert chosen.mixed_fpir_ppb == pytest.approx(700_000, rel=1e-3)
    assert chosen.predicted_fpir_ppb == pytest.approx(1_750_000, rel=1e-3)


def test_nets_whose_groups_were_not_measured_are_held_to_eight_times_the_average() -> None:
    unmeasured = replace(TABLE, groups=None)
    assert threshold_for(unmeasured, 7, 5600).score_ppm == 910_000
    assert threshold_for(unmeasured, 7, 5500).score_ppm == 920_000


@st.composite
def tables(draw: st.DrawFn) -> Calibration:
    """Draw a table whose rates fall as its scores rise."""
    uppers = sorted(draw(st.sets(st.integers(1, PPB), min_size=1, max_size=8)), reverse=True)
    rates = tuple(Rate(100_000 * at, upper, upper) for at, upper in enumerate(uppers, 3))
    groups = draw(st.none() | st.builds(Groups, st.integers(100, 2000), st.just("a"), st.just("b")))
    return replace(TABLE, rates=rates, groups=groups)


def score_or_refused(table: Calibration, size: int, budget_ppm: int) -> int:
    """Return the threshold; 1,000,001, above any score, for a list that is refused."""
    try:
        return threshold_for(table, size, budget_ppm).score_ppm
    except ListNotServed:
        return 1_000_001


@given(table=tables(), size=st.integers(1, 2000), budget_ppm=st.integers(1, 1_000_000))
def test_no_threshold_lets_the_worst_group_exceed_the_budget(
    table: Calibration, size: int, budget_ppm: int
) -> None:
    score_ppm = score_or_refused(table, size, budget_ppm)
    for rate in table.rates:
        of_group = min(Fraction(1), Fraction(rate.upper_ppb * table.times_centi, 100 * PPB))
        within = 1 - (1 - of_group) ** size <= Fraction(budget_ppm, 1_000_000)
        assert within or rate.score_ppm != score_ppm


@given(
    table=tables(),
    sizes=st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
    budget_ppm=st.integers(1, 1_000_000),
)
def test_a_longer_list_never_gets_a_lower_threshold(
    table: Calibration, sizes: tuple[int, int], budget_ppm: int
) -> None:
    short, long = (score_or_refused(table, size, budget_ppm) for size in sorted(sizes))
    assert short <= long


@given(
    table=tables(),
    size=st.integers(1, 2000),
    budgets=st.tuples(st.integers(1, 1_000_000), st.integers(1, 1_000_000)),
)
def test_a_larger_budget_never_gets_a_higher_threshold(
    table: Calibration, size: int, budgets: tuple[int, int]
) -> None:
    small, large = (score_or_refused(table, size, budget) for budget in sorted(budgets))
    assert large <= small


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
