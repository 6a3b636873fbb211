"""Raw rows of any SQL database, by reflection: read, write, insert, delete, dump, put back.

Tables and columns are read from the database itself, so a table of tomorrow is there, too. A row is
addressed by the place where the database keeps it (`rowid`, `ctid`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from numpy.random import Generator
from sqlalchemy import Connection, inspect, text

Value: TypeAlias = bytes | int | str | None
Values: TypeAlias = Mapping[str, Value]
Dump: TypeAlias = Mapping[str, Sequence[Values]]
"""All rows of all tables."""
Thing = TypeVar("Thing")

SPARED: Final = frozenset({"alembic_version", "filler"})
"""Without its version no store opens: each program then ends at once, and nothing else is seen."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, and how the database addresses it."""

    table: str
    at: int | str
    values: Values


def pick(dice: Generator, things: Iterable[Thing]) -> Thing:
    """Return one of several things.

    Raises:
        LookupError: there is none.
    """
    every = list(things)
    if not every:
        raise LookupError
    return every[int(dice.integers(len(every)))]


def tables(connection: Connection) -> list[str]:
    """Return the names of all tables."""
    return sorted(set(inspect(connection).get_table_names()) - SPARED)


def rows(connection: Connection, table: str) -> list[Row]:
    """Return all rows of a table, as they lie there."""
    at = "ctid::text" if connection.dialect.name == "postgresql" else "rowid"
    found = connection.execute(text(f'SELECT {at} AS at__, * FROM "{table}"')).mappings()  # noqa: S608
    return [
        Row(table, row["at__"], {name: row[name] for name in row if name != "at__"})
        for row in found
    ]


def write(connection: Connection, row: Row, values: Values) -> None:
    """Change some values of a row."""
    changes = ", ".join(f'"{name}" = :{name}' for name in values)
    change = text(f'UPDATE "{row.table}" SET {changes} WHERE {_here(connection)}')  # noqa: S608
    connection.execute(change, {**values, "at__": row.at})


def erase(connection: Connection, row: Row) -> None:
    """Delete a row."""
    here = _here(connection)
    connection.execute(text(f'DELETE FROM "{row.table}" WHERE {here}'), {"at__": row.at})  # noqa: S608


def empty(connection: Connection, table: str) -> None:
    """Delete all rows of a table."""
    connection.execute(text(f'DELETE FROM "{table}"'))  # noqa: S608


def add(connection: Connection, table: str, values: Values) -> None:
    """Insert a row."""
    names, places = ", ".join(f'"{name}"' for name in values), ", ".join(f":{n}" for n in values)
    connection.execute(text(f'INSERT INTO "{table}" ({names}) VALUES ({places})'), dict(values))  # noqa: S608


def read_dump(connection: Connection) -> Dump:
    """Return all rows of all tables."""
    return {table: [row.values for row in rows(connection, table)] for table in tables(connection)}


def put_back(connection: Connection, dump: Dump) -> None:
    """Replace the rows of the tables in `dump` by the rows in it."""
    for table, content in dump.items():
        empty(connection, table)
        for values in content:
            add(connection, table, values)


def touched(before: Dump, after: Dump) -> set[bytes]:
    """Return every 32-byte value in the rows in which two dumps differ: digests of events."""
    changed = [
        values
        for table in {*before, *after}
        for one, other in ((before, after), (after, before))
        for values in one.get(table, ())
        if values not in other.get(table, ())
    ]
    found = {value for values in changed for value in values.values() if isinstance(value, bytes)}
    return {value for value in found if len(value) == 32}


def _here(connection: Connection) -> str:
    postgresql = connection.dialect.name == "postgresql"
    return "ctid = CAST(:at__ AS tid)" if postgresql else "rowid = :at__"
