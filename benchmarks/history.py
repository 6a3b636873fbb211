"""History: the figures of earlier releases, in a table of docs/performance.md, and the difference.

The table has one row for each key and one column for each release, the newest last.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.figures import KEYS

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
HEAD: Final = "| figure |"
NOTHING: Final = "not measured"


class Release(NamedTuple):
    """The figures of one release."""

    name: str
    figures: Mapping[str, float]
    """By key; what was not measured is left out."""


def newest(page: str) -> Release | None:
    """Return the last column of the page's table; None if the page has no table or no column."""
    rows = _rows(page)
    if not rows or len(rows[0]) < 2:  # noqa: PLR2004  # The names of the figures, and a release.
        return None
    found = {row[0].strip("`"): row[-1] for row in rows[2:]}
    values = {key: float(text) for key, text in found.items() if key in KEYS and text != NOTHING}
    return Release(rows[0][-1], values)


def with_release(page: str, release: Release) -> str:
    """Return the page with one more column, or with the column of that name replaced.

    Raises:
        ValueError: the page has no table of figures.
    """
    lines, written = page.split("\n"), []
    try:
        start = next(at for at, line in enumerate(lines) if line.startswith(HEAD))
    except StopIteration:
        raise ValueError("The page has no table that begins with `| figure |`.") from None
    known = _cells(lines[start])
    replaced = known[-1] == release.name
    for at, line in enumerate(lines):
        inside = start <= at and line.startswith("|") and _is_joined(lines, start, at)
        if not inside:
            written.append(line)
            continue
        cells = _cells(line)[: -1 if replaced else None]
        written.append("| " + " | ".join([*cells, _cell(at - start, cells[0], release)]) + " |")
    return "\n".join(written)


def _cell(row: int, first: str, release: Release) -> str:
    if row == 0:
        return release.name
    if row == 1:
        return "---"
    value = release.figures.get(first.strip("`"))
    return NOTHING if value is None else f"{value:.3g}"


def _is_joined(lines: list[str], start: int, at: int) -> bool:
    return all(line.startswith("|") for line in lines[start:at])


def _rows(page: str) -> list[list[str]]:
    lines = page.split("\n")
    start = next((at for at, line in enumerate(lines) if line.startswith(HEAD)), len(lines))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append(_cells(line))
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
