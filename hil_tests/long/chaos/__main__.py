"""`make long-chaos`: a long run of random faults, with a table of faults and losses."""

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path
from secrets import randbelow

from rich.console import Console
from rich.table import Table

from hil_tests.long.chaos.run import Outcome, run


def main() -> int:
    """Run the chaos and print its table; return 0 if no event was lost, doubled or unnoticed."""
    parser = argparse.ArgumentParser(prog="make long-chaos")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=randbelow(2**31))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(
            Path(folder) / "testbed",
            count=chosen.events,
            pause_s=0.06,
            fault_s=0.8,
            seed=chosen.seed,
        )
        Console().print(table(outcome))
    return 0 if outcome.sound else 1


def table(outcome: Outcome) -> Table:
    """Return the table of faults and losses."""
    made = Table(
        title=f"{outcome.promised} events, {sum(outcome.faults.values())} faults, "
        f"{outcome.wall_s:.0f} s, seed {outcome.seed}, {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}",
        title_justify="left",
        title_style="",
        show_header=False,
    )
    made.add_column()
    made.add_column(justify="right")
    for name, count in sorted(outcome.faults.items()):
        made.add_row(name, str(count), style="dim")
    made.add_section()
    made.add_row("events promised by the outbox", str(outcome.promised))
    made.add_row("sent again and recognised", str(outcome.copies))
    for name, count in (
        ("lost", outcome.lost),
        ("doubled after de-duplication", outcome.doubled),
        ("kept but never made", outcome.invented),
        ("kept but never shown", outcome.unshown),
        ("gaps or forks in a whole chain", outcome.gaps + outcome.forks),
        ("gaps made on purpose and not noticed", outcome.unnoticed),
        ("events that the camera misses by mistake", outcome.false_alarms),
    ):
        made.add_row(name, str(count), style="bold red" if count else "bold")
    return made


if __name__ == "__main__":
    sys.exit(main())
