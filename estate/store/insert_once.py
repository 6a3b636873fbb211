"""INSERT ... ON CONFLICT DO NOTHING: write a row unless another program wrote it already."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

INSERTS: Final[Mapping[str, type[postgresql.Insert] | type[sqlite.Insert]]] = {
    "sqlite": sqlite.Insert,
    "postgresql": postgresql.Insert,
}


def insert_once(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert the row. Return whether it is new. Wait for a program that writes the same row."""
    insert = INSERTS[connection.dialect.name]
    return connection.execute(insert(table).values(row).on_conflict_do_nothing()).rowcount > 0
