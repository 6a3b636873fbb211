"""Time `tallylight-verify` on a ledger of 100,000 records: its chain, record by record."""

import time
from hashlib import sha256
from typing import Final

from benchmarks.table import Column, Table, options
from estate.accounts import verify
from estate.tests.ledgers import ledger

RECORDS: Final = 100_000
RUNS: Final = 5


def main() -> None:
    """Verify the same ledger several times; print the fastest and the slowest run."""
    parser = options(__doc__)
    parser.add_argument("--records", type=int, default=RECORDS, help="default: %(default)s")
    arguments = parser.parse_args()
    table = Table(
        "ledger", [Column("records/s at best", ",.0f"), Column("records/s at worst", ",.0f")]
    )
    lines = ledger(arguments.records)
    speeds = [_speed(lines) for _ in range(RUNS)]
    name = f"verify {arguments.records:,} records of {len(lines[-1])} bytes"
    table.add(name, max(speeds), min(speeds))
    table.finish(arguments.json)


def _speed(lines: list[bytes]) -> float:
    """Return how many records are verified in one second."""
    ends = {len(lines): sha256(lines[-1]).hexdigest()}
    began_s = time.perf_counter()
    count = sum(1 for _ in verify.records(lines, ends))
    return count / (time.perf_counter() - began_s)


if __name__ == "__main__":
    main()
