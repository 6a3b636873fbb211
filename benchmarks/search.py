"""Time the search of one template in lists of 7 to 100,000 drawn entries."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np

from benchmarks.materials import DIM, drawn_gallery
from benchmarks.table import Table, options
from benchmarks.timing import SECONDS, SPREAD, Step, add_all
from recognition.template import Template

SIZES: Final = (7, 100, 10_000, 100_000)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each row")
    arguments = parser.parse_args()
    table = Table("search of one template, one thread", SPREAD, ["numpy"])
    add_all(table, _steps(), arguments.seconds)
    table.finish(arguments.json)


def _steps() -> Iterator[Step]:
    probe = Template(np.random.default_rng(0).integers(-127, 128, DIM, dtype=np.int8))
    for size in SIZES:
        yield f"list of {size:,}", partial(drawn_gallery(size).best, probe)


if __name__ == "__main__":
    main()
