"""The screen of a bench: rows of cables, sentences and questions, on standard error."""

import time
from collections.abc import Sequence

import typer
from rich.table import Table

from provisioning.registration.bench import Row, Step
from terminal.tables import print_table


class BenchScreen:
    """Prints the table when a person must look, and one line for each other change."""

    def __init__(self) -> None:
        self._before: dict[str, Row] = {}

    def show(self, rows: Sequence[Row]) -> None:
        """Print what is new in these rows."""
        new = [row for row in rows if self._before.get(row.place) != row]
        self._before = {row.place: row for row in rows}
        if any(row.step is Step.LOOK for row in new):
            self._table(rows)
            return
        for row in new:
            if row.step in {Step.DONE, Step.REFUSED}:
                said = f"{row.place}  {row.serial}  {row.step}  {row.sentence}".rstrip()
                typer.echo(said, err=True)

    def _table(self, rows: Sequence[Row]) -> None:
        table, now_s = Table("place", "serial", "step", "age"), time.monotonic()
        for row in rows:
            table.add_row(row.place, row.serial, str(row.step), f"{now_s - row.since_s:.0f} s")
        print_table(table, stderr=True)


def say(sentence: str) -> None:
    """Print a sentence for the person at the bench."""
    typer.echo(sentence, err=True)


def ask(question: str) -> str:
    """Return what the person at the bench types; empty for Enter alone."""
    return str(typer.prompt(question, default="", show_default=False, err=True))
