"""Print the quality measures of each picture beside their bounds, as one table on standard error.

Standard output stays free for `--json`. `provisioning.lists.picture_check` measures and refuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table
from rich.text import Text

from recognition.quality import Judged
from terminal.tables import print_table


@dataclass(frozen=True, slots=True)
class MeasureTable:
    """The measures so far."""

    _bounds: dict[str, str] = field(default_factory=dict)
    """Bounds by name of the measure, in the order in which the measures first came."""
    _cells: dict[tuple[str, Path], Judged] = field(default_factory=dict)

    def add(self, picture: Path, measures: Sequence[Judged]) -> None:
        """Add measures of one picture."""
        for measure in measures:
            self._bounds.setdefault(measure.what, measure.bound)
            self._cells[measure.what, picture] = measure

    def print(self, pictures: Sequence[Path]) -> None:
        """Print the table, one column for each picture; print nothing if there is no measure."""
        if not self._bounds:
            return
        table = Table("measure", "needed")
        for picture in pictures:
            table.add_column(Text(picture.name), justify="right", overflow="fold")
        for what, bound in self._bounds.items():
            cells = [self._cells.get((what, picture)) for picture in pictures]
            table.add_row(what, bound, *map(_cell, cells))
        print_table(table, stderr=True)


def _cell(judged: Judged | None) -> Text:
    if judged is None:
        return Text("-", "dim")
    if judged.passes:
        return Text(f"{judged.measured} \N{CHECK MARK}", "green")
    return Text(f"{judged.measured} \N{BALLOT X}", "bold red")
