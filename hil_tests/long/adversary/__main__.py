"""`make long-adversary`: a courier and a broker that do anything, with a table of what held."""

import argparse
import sys
from secrets import randbelow

from rich.console import Console
from rich.table import Table

from hil_tests.long.adversary.run import Outcome, open_folder, run
from hil_tests.rig.camera_users import why_not


def main() -> int:
    """Run and print the table; return 0 if every promise held, 2 where it cannot run."""
    parser = argparse.ArgumentParser(prog="make long-adversary")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=randbelow(2**31))
    chosen = parser.parse_args()
    if reason := why_not():
        print(reason, file=sys.stderr)
        return 2
    with open_folder() as folder:
        outcome = run(folder, count=chosen.events, pause_s=0.06, seed=chosen.seed)
    Console().print(table(outcome))
    return 0 if outcome.sound else 1


def table(outcome: Outcome) -> Table:
    """Return the table of acts and of what held."""
    events = outcome.events
    made = Table(
        title=f"{events.promised} events, {events.wall_s:.0f} s, seed {events.seed}",
        title_justify="left",
        title_style="",
        show_header=False,
    )
    made.add_column()
    made.add_column()
    made.add_column(justify="right")
    for act, count in sorted((dict(outcome.acts) | events.faults).items()):
        name, _, came = act.partition("\t")
        made.add_row(name, came, str(count), style="dim")
    made.add_section()
    made.add_row("lists accepted after the withdrawal", "", str(outcome.searches))
    for name, count in (
        ("lost", events.lost),
        ("doubled after de-duplication", events.doubled),
        ("kept but never made, or never shown", events.invented + events.unshown),
        ("gaps or forks in a whole chain", events.gaps + events.forks),
        ("gaps made on purpose and not noticed", events.unnoticed),
        ("events that the camera misses by mistake", events.false_alarms),
        ("acts that reached the files of watch", outcome.reached_watch),
        ("withdrawn people searched for", outcome.withdrawn),
        ("files of watch that changed", len(outcome.changed)),
        ("times that watch ended by itself", outcome.ended),
    ):
        made.add_row(name, "", str(count), style="bold red" if count else "bold")
    return made


if __name__ == "__main__":
    sys.exit(main())
