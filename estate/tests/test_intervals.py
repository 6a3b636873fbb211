"""Confidence intervals of Clopper and Pearson against published values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.report.intervals import interval


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (1, 10, 0.0025, 0.4450),
        (50, 1000, 0.0373, 0.0654),
    ],
)
def test_intervals_are_those_of_clopper_and_pearson(
    count: int, of: int, low: float, high: float
) -> None:
    bounds = interval(count, of)
    assert bounds == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 3000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_what_was_seen(counted: tuple[int, int]) -> None:
    low, high = interval(*counted) or (1.0, 0.0)
    assert 0 <= low <= counted[0] / counted[1] <= high <= 1
