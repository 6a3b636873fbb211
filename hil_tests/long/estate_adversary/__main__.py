"""`make long-estate-adversary`: attackers of the estate; a table of what was tried and held."""

import argparse
import sys
from secrets import randbelow
from typing import Final

from rich.console import Console
from rich.table import Table

from estate.tests.postgres import Missing, cluster
from hil_tests.long.estate_adversary.judgement import PROMISES
from hil_tests.long.estate_adversary.other_user import Leaks, share_a_machine, why_not
from hil_tests.long.estate_adversary.run import Outcome, open_folder, run

MOST_WORDS: Final = 20
"""Broken promises that are told with their words."""


def main() -> int:
    """Run on both databases and print the tables; return 0 if every promise held."""
    parser = argparse.ArgumentParser(prog="make long-estate-adversary")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=randbelow(2**31))
    parser.add_argument("--only", default="", help="name of the only act")
    chosen = parser.parse_args()
    outcomes = {}
    with open_folder() as folder:
        outcomes["SQLite"] = run(folder, rounds=chosen.rounds, seed=chosen.seed, only=chosen.only)
    try:
        with cluster() as server, open_folder() as folder:
            url = server.new_database()
            outcomes["PostgreSQL"] = run(
                folder, rounds=chosen.rounds, seed=chosen.seed, only=chosen.only, database=url
            )
    except Missing as reason:
        print(reason, file=sys.stderr)
    for name, outcome in outcomes.items():
        Console().print(table(name, outcome))
        for words in outcome.findings.words[:MOST_WORDS]:
            print(words)
    sound = all(each.sound for each in outcomes.values())
    if missing := why_not():
        print(missing, file=sys.stderr)
        return 2 if sound else 1
    with open_folder() as folder:
        leaks = share_a_machine(folder, seed=chosen.seed)
    Console().print(table_of_leaks(leaks))
    return 0 if sound and leaks.sound else 1


def table(database: str, outcome: Outcome) -> Table:
    """Return the table of acts, of how the estate's steps ended, and of what held."""
    made = Table(
        title=f"{database}: {outcome.rounds} rounds, seed {outcome.seed}",
        title_justify="left",
        title_style="",
        show_header=False,
    )
    made.add_column()
    made.add_column()
    made.add_column(justify="right")
    for counts in (outcome.acts, outcome.ends):
        for line, count in sorted(counts.items()):
            name, _, came = line.partition("\t")
            made.add_row(name, came, str(count), style="dim")
        made.add_section()
    for promise in PROMISES:
        count = outcome.findings.count[promise]
        made.add_row(promise, "", str(count), style="bold red" if count else "bold")
    return made


def table_of_leaks(leaks: Leaks) -> Table:
    """Return the table of what another user of the reviewer's machine tried, and found."""
    made = Table("another user of the machine", "tried", "found", title_justify="left")
    for name, count in leaks.tried.items():
        found = leaks.found[name]
        made.add_row(name, str(count), str(found), style="bold red" if found else "dim")
    made.add_section()
    made.add_row("verdicts by others", "", str(leaks.verdicts_by_others), style="bold")
    made.add_row("the reviewer could judge meanwhile", "", "yes" if leaks.works else "no")
    return made


if __name__ == "__main__":
    sys.exit(main())
