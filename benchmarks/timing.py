"""Time one step by repetition: the least, the median and the 95th percentile of its durations.

One turn goes before the others, to fill the caches; it does not count.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import numpy as np

from benchmarks.table import Column, Table

Step: TypeAlias = tuple[str, Callable[[], object]]
"""The name of a row, and what is timed."""

SPREAD: Final = tuple(Column(f"{name} ms", ",.3f") for name in ("least", "median", "p95"))
"""The columns of `spread_ms`."""

SECONDS: Final = 3.0
"""How long each step is repeated."""

TURNS: Final = (5, 2000)
"""How often each step is repeated at least and at most."""


def spread_ms(step: Callable[[], object], seconds: float = SECONDS) -> tuple[float, ...]:
    """Return the least, the median and the 95th percentile of the time of a step, in ms."""
    step()
    spent_ms: list[float] = []
    while len(spent_ms) < TURNS[0] or (sum(spent_ms) < 1000 * seconds and len(spent_ms) < TURNS[1]):
        spent_ms.append(once_ms(step))
    return tuple(float(one) for one in np.quantile(spent_ms, [0, 0.5, 0.95]))


def least_ms(step: Callable[[], object], rounds: int) -> float:
    """Return the least time of a step over some rounds, in ms."""
    return min(once_ms(step) for _ in range(rounds))


def once_ms(step: Callable[[], object]) -> float:
    """Return the time of one turn of a step, in ms."""
    started_s = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - started_s)


def add_all(table: Table, steps: Iterable[Step], seconds: float) -> None:
    """Time every step, and add a row for each."""
    for name, step in steps:
        table.add(name, *spread_ms(step, seconds))
