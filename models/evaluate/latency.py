"""Latency of each net, and drift: how much the answers of two kernel families differ.

Other work on the machine makes a run slower, so the least of many runs is the net's own time.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from models.evaluate.cache import Rows
from models.evaluate.recognisers import Recogniser
from models.evaluate.trials import unit
from recognition.pixels import Pixels

Json: TypeAlias = dict[str, Any]

RUNS: Final = 100
SEED: Final = 20260101
CHIP_PX: Final = 112
"""Side of the chip of every net under test."""


def latency(recognisers: Sequence[Recogniser]) -> list[Json]:
    """Return the time that each recogniser takes for one look at an aligned face.

    A recogniser that adds the mirror image makes two passes, and both are timed.
    """
    chip = np.random.default_rng(SEED).integers(0, 256, (CHIP_PX, CHIP_PX, 3), np.uint8)
    return [{"net": one.name, **_spent(one.of_chip, chip)} for one in recognisers]


def drift(one: Rows, other: Rows) -> Json:
    """Return the cosines between two kernel families' answers to the same faces, (n, dim) each."""
    cosines = (unit(one) * unit(other)).sum(axis=1)
    return {
        "faces": len(one),
        "cosine_least": round(float(cosines.min()), 5),
        "cosine_median": round(float(np.median(cosines)), 5),
    }


def _spent(look: Callable[[Pixels], Rows], chip: Pixels) -> Json:
    spent_s = []
    for _ in range(RUNS):
        started = time.perf_counter()
        look(chip)
        spent_s.append(time.perf_counter() - started)
    least, median = min(spent_s), float(np.median(spent_s))
    return {"least_ms": round(1000 * least, 2), "median_ms": round(1000 * median, 2)}
