"""Labels of groups: gender and ethnicity of the people in a set, as its source states them.

A CSV file has one row for each picture (`file`) or person (`folder`), and the columns `gender` and
`ethnicity`, or one of them. It lies inside `NAME.zip` as `labels.csv`, or beside it as
`NAME-*.csv`. No label is guessed from a face or a name: a person without a label is in no group.
"""

import csv
import zipfile
from dataclasses import dataclass
from io import StringIO
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluate.lfw import Found, find

INSIDE: Final = "labels.csv"
GENDERS: Final = {"female": "women", "male": "men"}
ETHNICITIES: Final = {
    "african-american": "Black",
    "asian-american": "Asian",
    "hispanic-american": "Hispanic",
    "white-american": "white",
}
PEOPLE_MIN: Final = 10
"""A smaller group is not shown: one look-alike decides its figures."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The faces of a set, and the groups that they are in."""

    found: Found
    groups: dict[str, NDArray[np.bool_]]
    """Name of each group, and whether each face is in it, (faces,)."""
    cells: NDArray[np.str_]
    """(faces,), the cell of each face among those that a balanced centre weighs the same; "" where
    a label is missing."""


def labelled_sets(folder: Path, models: Path) -> list[Labelled]:
    """Return every set of a folder that has labels.

    Args:
        folder: ZIP files, with their labels inside or beside them.
        models: folder with nets and manifest.
    """
    archives = sorted(folder.glob("*.zip"))
    tables = {archive: _table(archive) for archive in archives}
    return [label(find(archive, models), table) for archive, table in tables.items() if table]


def label(found: Found, table: str) -> Labelled:
    """Return the groups of a set, those with `PEOPLE_MIN` people or more.

    Args:
        found: the set.
        table: its labels, as CSV.
    """
    rows = {row.get("file") or row["folder"]: row for row in csv.DictReader(StringIO(table))}
    known = [_of(name, rows) for name in found.names]
    genders = np.array([GENDERS.get(one.get("gender", ""), "") for one in known])
    stated = np.array([one.get("ethnicity", "") for one in known])
    ethnicities = np.array([ETHNICITIES.get(one, "") for one in stated])
    groups = {name: genders == name for name in GENDERS.values()}
    for ethnicity in ETHNICITIES.values():
        groups[f"{ethnicity} people"] = ethnicities == ethnicity
    for ethnicity, gender in product(("Black", "white"), GENDERS.values()):
        groups[f"{ethnicity} {gender}"] = (ethnicities == ethnicity) & (genders == gender)
    third = np.where(np.isin(ethnicities, ["Black", "white"]), ethnicities, "other")
    cells = np.where((genders != "") & (stated != ""), np.char.add(third, genders), "")
    return Labelled(
        found,
        {
            name: members
            for name, members in groups.items()
            if len(np.unique(found.people[members])) >= PEOPLE_MIN
        },
        cells,
    )


def _table(archive: Path) -> str | None:
    beside = sorted(archive.parent.glob(f"{archive.stem}-*.csv"))
    if beside:
        return beside[0].read_text("utf-8")
    with zipfile.ZipFile(archive) as pack:
        return pack.read(INSIDE).decode() if INSIDE in pack.namelist() else None


def _of(name: str, rows: dict[str, dict[str, str]]) -> dict[str, str]:
    path = PurePosixPath(name)
    return rows.get(path.name) or rows.get(path.parent.name) or {}
