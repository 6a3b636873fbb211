"""The connection to the database: SQLite with a durable write-ahead log, or PostgreSQL.

SQLite syncs each transaction, writes zeros over what is deleted, and waits for other programs that
write. PostgreSQL is tried anew when its server was restarted. No table is known here.
"""

import sqlite3
import time
from typing import Final

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine

from estate.store.sqlite_values import read_strictly

LOCK_S: Final = 20
"""Longest wait for another receiver that is writing to the same SQLite file."""
LOCK_RETRY_S: Final = 0.05
"""Pause between two attempts to turn the log on."""
CONNECT_S: Final = 10
"""Longest wait for a PostgreSQL server that does not answer."""


def open_engine(url: URL) -> Engine:
    """Return an engine for the store at this address; nothing is opened yet."""
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        if "connect_timeout" not in url.query:
            url = url.update_query_dict({"connect_timeout": str(CONNECT_S)})
        return create_engine(url, pool_pre_ping=True)  # A server may have been restarted.
    engine = create_engine(url, connect_args={"timeout": LOCK_S})
    event.listen(engine, "connect", _make_durable)
    read_strictly(engine)
    return engine


def _keep_log(cursor: sqlite3.Cursor) -> None:
    """Turn the write-ahead log on. SQLite does not wait by itself here: another may do the same."""
    until_s = time.monotonic() + LOCK_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until_s:
                raise
            time.sleep(LOCK_RETRY_S)
        else:
            return


def _make_durable(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # The DB-API's connection.
    _keep_log(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")  # What is overwritten or deleted becomes zeros.
    cursor.execute("PRAGMA temp_store=MEMORY")  # And nothing is copied elsewhere.
    cursor.close()
