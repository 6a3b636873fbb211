"""The table of a benchmark: each row is printed as soon as it is measured, then written as JSON.

The head names the machine, its load and the versions that matter. The JSON holds the same rows,
one object each, under the names of the columns; figures in it are not rounded.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.cpu_time import Spread
from benchmarks.figures import KEYS
from benchmarks.machine import conditions, peak_mib

Cell: TypeAlias = float | int | str

NAME_WIDTH: Final = 48
COLUMN_WIDTH_MIN: Final = 11


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    heading: str
    """What is measured, then its unit: `median ms`."""
    pattern: str = ",.1f"
    """How a number is printed."""

    @property
    def key(self) -> str:
        """Its name in the JSON: `median_ms`."""
        return self.heading.replace("/", " per ").replace(" ", "_")

    @property
    def width(self) -> int:
        """Characters that it takes on a line."""
        return max(COLUMN_WIDTH_MIN, len(self.heading) + 2)

    def shown(self, cell: Cell) -> str:
        """Return a cell as it is printed."""
        text = cell if isinstance(cell, str) else format(cell, self.pattern)
        return f"{text:>{self.width}}"


class Table:
    """The rows of one benchmark."""

    def __init__(self, title: str, columns: Sequence[Column], packages: Sequence[str] = ()) -> None:
        """Print the head.

        Args:
            title: what is measured, in a few words.
            columns: of every row, without the row's name.
            packages: distributions whose versions the figures depend on.
        """
        self._title = title
        self._columns = columns
        self._machine = conditions(packages)
        self._rows: list[dict[str, Cell]] = []
        self._notes: list[str] = []
        self._figures: dict[str, tuple[float, float, float]] = {}
        self._missing: dict[str, str] = {}
        print(", ".join(f"{name} {value}" for name, value in self._machine.items()))
        print(f"{title:{NAME_WIDTH}}" + "".join(one.shown(one.heading) for one in columns))

    def add(self, name: str, *figures: Cell) -> None:
        """Print one row, and keep it for the JSON."""
        cells = dict(zip((one.key for one in self._columns), figures, strict=True))
        self._rows.append({"name": name, **cells})
        shown = (one.shown(cell) for one, cell in zip(self._columns, figures, strict=True))
        print(f"{name:{NAME_WIDTH}}" + "".join(shown), flush=True)

    def note(self, sentence: str) -> None:
        """Print one sentence, and keep it for the JSON: what could not be measured, and why."""
        self._notes.append(sentence)
        print(sentence, flush=True)

    def figure(self, key: str, spread: Spread) -> None:
        """Keep one of the figures that releases are compared by: its median and its quartiles.

        Raises:
            KeyError: `benchmarks.figures` has no such key.
        """
        self._figures[KEYS[key].name] = (spread.median, spread.low, spread.high)

    def missing(self, key: str, why: str) -> None:
        """Keep why one of these figures was not measured, and print it."""
        self._missing[KEYS[key].name] = why
        print(f"{key} was not measured: {why}", flush=True)

    def finish(self, path: Path | None) -> None:
        """Print the most memory of this process; write the JSON, if a path was given."""
        memory_mib = peak_mib()
        print(f"most memory of this process: {memory_mib:,.0f} MiB")
        if path is None:
            return
        content = {
            "benchmark": self._title,
            "utc": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": self._machine,
            "rows": self._rows,
            "notes": self._notes,
            "figures": self._figures,
            "missing": self._missing,
            "peak_mib": memory_mib,
        }
        path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def options(about: str | None) -> argparse.ArgumentParser:
    """Return the parser of a benchmark's options: `--json`, to which it adds its own."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, too")
    return parser
