"""Latency of each net, and drift: how much the answers of two kernel families differ.

Other work on the machine makes a run slower, so the least of many runs is the net's own time.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from models.evaluate.cache import Rows
from models.evaluate.recognisers import PEER_PX, Bare, Peer, Recogniser
from models.evaluate.trials import unit
from recognition.pixels import Pixels

Json: TypeAlias = dict[str, Any]

RUNS: Final = 100
SEED: Final = 20260101


def latency(recognisers: Sequence[Recogniser]) -> list[Json]:
    """Return the time of one inference of each net that can run alone."""
    rng = np.random.default_rng(SEED)
    rows = []
    for one in recognisers:
        if isinstance(one, Bare):
            side = one.entry.alignment.chip_px
            chip = rng.integers(0, 256, (side, side, 3), np.uint8)
            rows.append({"net": one.name, **_spent(one.answer, chip)})
        elif isinstance(one, Peer):
            chip = rng.integers(0, 256, (PEER_PX, PEER_PX, 3), np.uint8)
            rows.append({"net": one.name, **_spent(one.answer, chip)})
    return rows


def drift(one: Rows, other: Rows) -> Json:
    """Return the cosines between two kernel families' answers to the same faces, (n, dim) each."""
    cosines = (unit(one) * unit(other)).sum(axis=1)
    return {
        "faces": len(one),
        "cosine_least": round(float(cosines.min()), 5),
        "cosine_median": round(float(np.median(cosines)), 5),
    }


def _spent(answer: Callable[[Pixels], Rows], chip: Pixels) -> Json:
    spent_s = []
    for _ in range(RUNS):
        started = time.perf_counter()
        answer(chip)
        spent_s.append(time.perf_counter() - started)
    least, median = min(spent_s), float(np.median(spent_s))
    return {"least_ms": round(1000 * least, 2), "median_ms": round(1000 * median, 2)}
