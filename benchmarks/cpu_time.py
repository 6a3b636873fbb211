"""CPU time of steps that take turns: medians and quartiles. Load falls on all steps alike.

Only the time that the calling thread computes counts. Another program on the machine, or a wait for
a disk, adds nothing. Every step runs once in each round, so a slow moment reaches all of them.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final, Self

MS: Final = 1e-6
"""Milliseconds in a nanosecond."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median, and the quartiles beside it."""

    median: float
    low: float
    """The first quartile; the median where there is one value."""
    high: float
    """The third quartile."""

    @classmethod
    def of(cls, values: list[float]) -> Self:
        """Return the spread of one or more values."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high)

    def __str__(self) -> str:
        return f"{self.median:,.3g} ({self.low:,.3g} to {self.high:,.3g})"


def cpu_ms(step: Callable[[], object]) -> float:
    """Return the CPU time of one turn of a step in this thread, in ms."""
    begun_ns = time.thread_time_ns()
    step()
    return (time.thread_time_ns() - begun_ns) * MS


def by_turns(steps: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the CPU time of each step in each round, in ms; one round before them is not counted.

    Args:
        steps: by name, in the order of their turns.
        rounds: 1 or more.
    """
    for step in steps.values():
        step()
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            spent[name].append(cpu_ms(step))
    return spent


def ratios(over: list[float], under: list[float]) -> Spread:
    """Return the spread of the ratios of two steps, round by round."""
    return Spread.of([one / other for one, other in zip(over, under, strict=True)])
