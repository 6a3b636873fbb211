"""Leaves nothing of what was overwritten: not in the database, and not in blocks that it gave back.

SQLite overwrites in place what is updated or deleted (`secure_delete`), but what was written went
through its write-ahead log first, and a log that is cut short or removed gives its blocks back to
the file system as they are. So the log is written over before it is given back, by a filler as long
as the log, through SQLite itself: other programs may hold the store all the while. The file is
never made smaller, because that, too, would give blocks back; nothing is copied to temporary files.

PostgreSQL rewrites its table and removes the old file; its own write-ahead log keeps what was
written until it has come round. Blocks that it gives back are out of reach: decision 0011.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from estate.errors import StoreRefused

FRAME_BYTES: Final = 24
"""What SQLite's log adds to each page (https://www.sqlite.org/fileformat.html)."""


def scrub(engine: Engine) -> None:
    """Leave nothing of what was overwritten in files of the database.

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
            "The store cannot be cleaned: stop other programs that hold it, then repeat."
        ) from error


def release(engine: Engine) -> None:
    """Let go of the database; write over the log first, which the last to let go removes."""
    try:
        log = _log(engine)
        if engine.dialect.name == "sqlite" and log.exists() and log.stat().st_size:
            scrub(engine)
    except (StoreRefused, OSError):
        """Others hold the store, and the last of them does it; or its disk is gone."""
    engine.dispose()


def _write_over_log(connection: Connection, log: Path) -> None:
    busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)").one()[0]
    if busy:
        raise OperationalError("wal_checkpoint", None, RuntimeError("busy"))
    length = log.stat().st_size if log.exists() else 0
    if length:
        page = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        filler = (length // (page + FRAME_BYTES) + 1) * page
        # The log begins anew with the next transaction, so these lie over the old one.
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS filler (zeros BLOB)")
        connection.exec_driver_sql("INSERT INTO filler VALUES (zeroblob(?))", (filler,))
        connection.exec_driver_sql("DELETE FROM filler")
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _log(engine: Engine) -> Path:
    return Path(f"{engine.url.database}-wal")
