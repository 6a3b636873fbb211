"""Tables on a terminal: whole at any width. Where the columns do not fit, rows become blocks.

Rich cuts the cells of a table that is too wide, and drops columns. A date that is cut is no date.
"""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text


def print_table(table: Table, *, stderr: bool = False) -> None:
    """Print a table as it is, or block by block where the terminal is too narrow for its words."""
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    least = Measurement.get(console, console.options.update(max_width=10_000), table).minimum
    for column in table.columns:
        column.overflow = "fold"  # Rich ends a cell with `…` before it narrows another column.
    if least <= console.width:
        console.print(table)
        return
    if table.title:
        console.print(table.title)
    for block in _blocks(table):
        console.print(block, overflow="fold")
        console.print()


def _blocks(table: Table) -> list[Text]:
    """Return each row as lines of header and cell."""
    blocks = []
    cells = [list(column.cells) for column in table.columns]
    for row in zip(*cells, strict=True):
        said = [cell if isinstance(cell, Text) else Text(str(cell)) for cell in row]
        if table.show_header:
            names = [Text(f"{column.header}: ") for column in table.columns]
            said = [name + cell for name, cell in zip(names, said, strict=True)]
        blocks.append(Text("\n" if table.show_header else ": ").join(said))
    return blocks
