"""Time the search of one template in lists of 7 to 100,000 entries, beside reading their bytes.

The search takes turns with the reading, in CPU time of one thread. What is read is one byte for
each number of the templates (int8), by the fastest way that NumPy has here: no search of that list
can be faster.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.cpu_time import Spread, by_turns, ratios
from benchmarks.materials import DIM, drawn_gallery
from benchmarks.table import Column, Table, options
from benchmarks.timing import SECONDS
from recognition.template import Template

SIZES: Final = (7, 100, 10_000, 100_000)
LARGEST: Final = SIZES[-1]
ROUNDS: Final = 20
"""Turns for each second that is given."""


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each row")
    arguments = parser.parse_args()
    columns = [Column(f"{name} ms", ",.3f") for name in ("median", "low", "high", "read")]
    table = Table("search of one template, one thread", columns, ["numpy"])
    for size in SIZES:
        spent = by_turns(_steps(size), max(2, round(ROUNDS * arguments.seconds)))
        searched = Spread.of(spent["search"])
        reading = min((spent[name] for name in spent if name != "search"), key=sum)
        read = Spread.of(reading).median
        table.add(f"list of {size:,}", searched.median, searched.low, searched.high, read)
        if size == LARGEST:
            table.figure("search_ratio_100k", ratios(spent["search"], reading))
    table.finish(arguments.json)


def _steps(size: int) -> dict[str, Callable[[], object]]:
    """Return the search of a list and several ways to read as many bytes."""
    probe = Template(np.random.default_rng(0).integers(-127, 128, DIM, dtype=np.int8))
    content: NDArray[np.int64] = np.ones(size * DIM // 8, np.int64)
    return {
        "search": partial(drawn_gallery(size).best, probe),
        "greatest": content.max,
        "sum": content.sum,
        "or": partial(np.bitwise_or.reduce, content),
    }


if __name__ == "__main__":
    main()
