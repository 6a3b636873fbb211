"""`make verify-bench`: how fast an outsider's program goes through a ledger of 100,000 records."""

import os
import platform
import time
from hashlib import sha256

from estate import verify
from estate.tests.ledgers import ledger

SIZE = 100_000
RUNS = 5


def main() -> None:
    """Verify the same ledger several times; print the best and the worst."""
    lines = ledger(SIZE)
    ends = {SIZE: sha256(lines[-1]).hexdigest()}
    speeds = []
    for _ in range(RUNS):
        began_s = time.perf_counter()
        count = sum(1 for _ in verify.records(lines, ends))
        speeds.append(count / (time.perf_counter() - began_s))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    python = f"Python {platform.python_version()}"
    print(f"{SIZE:,} records of {len(lines[-1])} bytes, {python}, {machine}")  # noqa: T201
    print(f"{max(speeds):,.0f} records a second at best of {RUNS}, {min(speeds):,.0f} at worst")  # noqa: T201


if __name__ == "__main__":
    main()
