"""What the gate measured of each picture, as one table beside the bounds.

It goes to the error stream: it is no part of what machines read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from recognition.quality import Judged


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything that was measured so far."""

    _bounds: dict[str, str] = field(default_factory=dict)
    """By what is measured, in the order in which it first was."""
    _cells: dict[tuple[str, Path], Judged] = field(default_factory=dict)

    def take(self, picture: Path, measures: Sequence[Judged]) -> None:
        """Remember measures of one picture."""
        for one in measures:
            self._bounds.setdefault(one.what, one.bound)
            self._cells[one.what, picture] = one

    def show(self, pictures: Sequence[Path]) -> None:
        """Print the table, one column for each picture; nothing if nothing was measured."""
        if not self._bounds:
            return
        table = Table("measure", "needed")
        for picture in pictures:
            table.add_column(Text(picture.name), justify="right", overflow="fold")
        for what, bound in self._bounds.items():
            cells = [self._cells.get((what, picture)) for picture in pictures]
            table.add_row(what, bound, *map(_cell, cells))
        Console(stderr=True, markup=False).print(table)


def _cell(judged: Judged | None) -> Text:
    if judged is None:
        return Text("-", "dim")
    if judged.passes:
        return Text(f"{judged.measured} \N{CHECK MARK}", "green")
    return Text(f"{judged.measured} \N{BALLOT X}", "bold red")
