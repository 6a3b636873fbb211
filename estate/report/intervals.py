"""Confidence intervals of shares: the exact 95 % interval of Clopper and Pearson."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import Final

CONFIDENCE: Final = 0.95
_STEPS: Final = 60
"""Halvings: the bounds are right to 1e-15."""


@dataclass(frozen=True, slots=True)
class Share:
    """A count of a total, with its confidence interval."""

    count: int
    of: int
    low: float | None
    high: float | None

    @classmethod
    def make(cls, count: int, of: int) -> "Share":
        """Return a share with its exact interval; without one if the total is 0."""
        low, high = interval(count, max(of, count)) or (None, None)
        return cls(count, of, low, high)

    @property
    def rate(self) -> float:
        """The share as a number; 0 if the total is 0."""
        return self.count / self.of if self.of else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval; 0 to 1 if the total is 0."""
        return (self.low or 0.0, 1.0 if self.high is None else self.high)


def interval(count: int, of: int) -> tuple[float, float] | None:
    """Return the interval of the share `count` of `of`; None if `of` is 0.

    Raises:
        ValueError: `count` is negative or above `of`.
    """
    if not 0 <= count <= of:
        raise ValueError(f"{count} of {of} is no share.")
    if of == 0:
        return None
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if count == 0 else _solve(lambda p: 1 - _at_most(count - 1, of, p) < tail)
    high = 1.0 if count == of else _solve(lambda p: _at_most(count, of, p) > tail)
    return low, high


def _solve(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2


def _at_most(count: int, of: int, p: float) -> float:
    """Return the chance of at most `count` successes."""
    if p <= 0 or p >= 1:
        return 1.0 if p <= 0 or count >= of else 0.0
    logs = (
        lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1) + k * log(p) + (of - k) * log(1 - p)
        for k in range(count + 1)
    )
    return min(1.0, sum(exp(each) for each in logs))
