"""Secure deletion in the database's files: overwrites the write-ahead log before it is freed.

SQLite overwrites updated and deleted data in place (`secure_delete`). The data went through the
write-ahead log (WAL) first. A log that is truncated or removed returns its blocks to the file
system unchanged. So the log is overwritten before it is truncated, with a filler as long as the
log, through SQLite itself, while other programs may have the store open. The database file is not
made smaller, because that would free blocks, too. Nothing is copied to temporary files.

PostgreSQL rewrites its table and removes the old file. Its own write-ahead log keeps old data until
the server reuses the log. This module cannot reach the blocks that PostgreSQL frees: decision 0011.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from estate.errors import StoreRefused

FRAME_BYTES: Final = 24
"""What SQLite's log adds to each page (https://www.sqlite.org/fileformat.html)."""


def scrub(engine: Engine) -> None:
    """Overwrite what deleted data left in the database's files.

    Raises:
        StoreRefused: it could not be done.
    """
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if engine.dialect.name == "sqlite":
                _write_over_log(connection, _log(engine))
            else:
                connection.exec_driver_sql("VACUUM FULL envelopes")
    except SQLAlchemyError as error:
        raise StoreRefused(
            "The store cannot be cleaned: stop other programs that use it, then repeat."
        ) from error


def scrub_and_dispose(engine: Engine) -> None:
    """Overwrite the log, then close the database: the last program to close it removes the log."""
    try:
        log = _log(engine)
        if engine.dialect.name == "sqlite" and log.exists() and log.stat().st_size:
            scrub(engine)
    except (StoreRefused, OSError):
        """The last of the programs that use the store overwrites the log; or the disk is gone."""
    engine.dispose()


def _write_over_log(connection: Connection, log: Path) -> None:
    busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)").one()[0]
    if busy:
        raise OperationalError("wal_checkpoint", None, RuntimeError("busy"))
    length = log.stat().st_size if log.exists() else 0
    if length:
        page = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        filler = (length // (page + FRAME_BYTES) + 1) * page
        # The next transaction starts the log from its beginning, so these pages overwrite it.
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS filler (zeros BLOB)")
        connection.exec_driver_sql("INSERT INTO filler VALUES (zeroblob(?))", (filler,))
        connection.exec_driver_sql("DELETE FROM filler")
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _log(engine: Engine) -> Path:
    return Path(f"{engine.url.database}-wal")
