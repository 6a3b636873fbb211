"""INSERT ... ON CONFLICT DO NOTHING: write a row unless another program wrote it already."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Column, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

INSERTS: Final[Mapping[str, type[postgresql.Insert] | type[sqlite.Insert]]] = {
    "sqlite": sqlite.Insert,
    "postgresql": postgresql.Insert,
}


def insert_once(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert the row. Return whether it is new. Wait for a program that writes the same row."""
    insert = INSERTS[connection.dialect.name]
    return connection.execute(insert(table).values(row).on_conflict_do_nothing()).rowcount > 0


def insert_each_once(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, object]],
    key: Column[bytes],
) -> set[bytes]:
    """Insert the rows in one statement. Return `key` of those that are new."""
    insert = INSERTS[connection.dialect.name]
    statement = insert(table).values(list(rows)).on_conflict_do_nothing().returning(key)
    return {bytes(value) for value in connection.execute(statement).scalars()}
