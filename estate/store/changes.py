"""A mark that differs after each change of the database, by any program (polling, cache).

For programs that show what is stored and ask often: while the mark is the same, they read nothing.
SQLite counts the commits of other connections (`data_version`), so a connection of its own asks,
which writes nothing. PostgreSQL tells the position in its write-ahead log, which moves with every
change on the server, also of other databases. A change that was made past these programs counts.
"""

from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from estate.errors import StoreRefused

QUESTIONS: Final = {
    "sqlite": "PRAGMA data_version",
    "postgresql": "SELECT pg_current_wal_insert_lsn()::text",
}


@dataclass(slots=True)
class ChangeMark:
    """The connection that asks for the mark."""

    engine: Engine
    _connection: Connection | None = None
    _opened: int = 0
    """How often the connection was opened: SQLite counts from another number then."""
    _lock: Lock = field(default_factory=Lock)

    def now(self) -> tuple[int, object]:
        """Return the mark of now. Ask for it before what is stored is read.

        Raises:
            StoreRefused: the database does not answer.
        """
        question = QUESTIONS[self.engine.dialect.name]
        with self._lock:
            try:
                if self._connection is None:
                    connection = self.engine.connect()
                    self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                    self._opened += 1
                return self._opened, self._connection.exec_driver_sql(question).scalar_one()
            except SQLAlchemyError as error:
                self._close()
                raise StoreRefused(
                    "The store cannot be read: check its disk and rights."
                ) from error

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
