"""`make long-ledger`: change 100,000 records in a thousand places, one by one, and find each.

Every change is made to the whole ledger. The outsiders' verifier reads the ledger from its first
record each time. The places are divided between the processors, and no change depends on another.
Speed is printed in records for each second of processor time, which other programs on the machine
do not change, and by the clock.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import get_context

import numpy as np

from estate.accounts import verify
from estate.tests.ledgers import CHANGES, first_bad, ledger

SIZE = 100_000
SHARE = 10
"""Changes that a processor takes at a time."""


@dataclass(frozen=True)
class Searched:
    """What came of one change."""

    right: bool
    """It was found, and the right record was named."""
    records: int
    """How many were verified until then."""
    cpu_s: float


class Books:
    """The ledger as it was signed, and the last record that a checkpoint signs."""

    lines: list[bytes]
    ends: dict[int, str]

    def __init__(self, size: int) -> None:
        self.lines = ledger(size)
        self.ends = {size: sha256(self.lines[-1]).hexdigest()}

    def search(self, number: int, at: int) -> Searched:
        """Make one change, and verify until it is found."""
        change, lines = CHANGES[number % len(CHANGES)], list(self.lines)
        change(lines, at)
        began_s, count, blamed = time.process_time(), 0, None
        try:
            for _ in verify.records(lines, self.ends):
                count += 1
        except verify.Bad as bad:
            blamed = bad.record
        right = blamed == first_bad(change, at, len(self.lines))
        return Searched(right, count, time.process_time() - began_s)


BOOKS: list[Books] = []
"""Made before the processes are divided, so that all have it."""


def search(piece: tuple[int, int]) -> Searched:
    """Make one change, by its number and place."""
    return BOOKS[0].search(*piece)


def searches(edits: int, seed: int) -> Iterator[Searched]:
    """Make all changes, on all processors."""
    places = np.random.default_rng(seed).integers(SIZE, size=edits)
    with get_context("fork").Pool() as pool:
        pieces = ((number, int(at)) for number, at in enumerate(places))
        yield from pool.imap_unordered(search, pieces, chunksize=SHARE)


def main() -> int:
    """Make the changes; 0 if each was found and named."""
    parser = argparse.ArgumentParser(prog="make long-ledger", description=__doc__)
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    BOOKS.append(Books(SIZE))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    kinds = ", ".join(change.__name__.replace("_", " ") for change in CHANGES)
    _say(f"{SIZE:,} records, Python {platform.python_version()}, {machine}; seed {chosen.seed}")
    _say(f"changes: {kinds}")
    began_s, found, count, cpu_s = time.monotonic(), 0, 0, 0.0
    for number, each in enumerate(searches(chosen.edits, chosen.seed), 1):
        found, count, cpu_s = found + each.right, count + each.records, cpu_s + each.cpu_s
        if number % 100 == 0 or number == chosen.edits:
            _say(f"{number:>6,} changes made, {found:>6,} found and named")
    took_s = time.monotonic() - began_s
    _say(f"{count:,} records verified in {took_s / 60:.1f} min")
    _say(f"{count / cpu_s:,.0f} records a second of one processor's time")
    _say(f"{count / took_s:,.0f} records a second by the clock, on all of them")
    return 0 if found == chosen.edits else 1


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # What the target is for.


if __name__ == "__main__":
    sys.exit(main())
