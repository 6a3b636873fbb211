"""`make installer-day`: run the day in a network of its own, and print the table of its steps."""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from secrets import randbelow
from typing import Final

from hil_tests.long.installer_day.day import run_day
from hil_tests.long.installer_day.day_folder import Day
from hil_tests.long.installer_day.steps import Steps

OWN_NETWORK: Final = (
    *("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"),
    *("sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "sh"),
)
"""Runs a command with a network of its own, whose links stand in /sys; all that it started ends
with it."""


def main() -> int:
    """Run the day; return 0 if every step was seen to be right."""
    parser = argparse.ArgumentParser(prog="make installer-day")
    parser.add_argument("--power_cuts", type=int, default=8)
    parser.add_argument("--seed", type=int, default=randbelow(2**31))
    parser.add_argument("--cache", type=Path, required=True, help="of make image")
    parser.add_argument("--keep", type=Path, help="keep everything in this new folder")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if os.geteuid() != 0:
        return refused("it boots cameras in namespaces: run it as root")
    if not chosen.inside:  # Cables and addresses of the day touch no network of this machine.
        here = [sys.executable, "-m", "hil_tests.long.installer_day", *sys.argv[1:]]
        os.execvp("unshare", ["unshare", "--net", "--", *here, "--inside"])  # noqa: S606
    steps = Steps(chosen.seed, chosen.power_cuts)
    with tempfile.TemporaryDirectory(prefix="installer-day-") as temporary:
        folder = chosen.keep or Path(temporary) / "day"
        try:
            run_day(Day(folder, chosen.cache, steps))
        finally:
            steps.print()
    return 0


def refused(why: str) -> int:
    """Say in one sentence why the day does not begin."""
    sys.stderr.write(f"make installer-day: {why}.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
