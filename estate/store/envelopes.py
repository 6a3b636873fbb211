"""The database of sealed events: SQLite or PostgreSQL, deduplication, durable transactions.

Each envelope is stored once, still sealed. It is durable before `add_envelopes` returns, so that a
receipt promises no more than the disk holds. Several receivers may share one store. Beside each
envelope stands its place in the camera's chain, from its header. The number of copies that came,
and whether it was shown, are in tables of their own (`arrivals`). The store holds no key and opens
no envelope.
"""

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from weakref import finalize

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    Table,
    UniqueConstraint,
    func,
    literal_column,
    select,
)
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from estate.errors import RowExists, RowRefused, StoreRefused
from estate.store.arrivals import UNSHOWN, note_copies, note_new, note_shown
from estate.store.changes import ChangeMark
from estate.store.engine import open_engine
from estate.store.insert_once import insert_each_once
from estate.store.ledger import METADATA, append_records, lock_ledger
from estate.store.migrations import migrate
from estate.store.scrub import scrub, scrub_and_dispose
from formats.envelope import Kind, Sealed, read
from formats.errors import FormatError
from formats.ledger import Happening

ENVELOPES: Final = Table(
    "envelopes",
    METADATA,
    Column("camera", LargeBinary(16), nullable=False),
    Column("boot_id", LargeBinary(16), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("stored_utc_ms", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("previous", LargeBinary(32), nullable=False),  # Digest of the envelope before this one.
    Column("blob", LargeBinary, nullable=False),
    UniqueConstraint(
        "camera", "boot_id", "sequence", "digest"
    ),  # Both branches of a fork are stored.
    Index("envelopes_by_digest", "camera", "digest"),
    Index("envelopes_by_previous", "camera", "previous"),
    Index("envelopes_by_event", "digest"),
    Index("envelopes_by_time", "stored_utc_ms"),
)
KEPT: Final = func.length(ENVELOPES.c.blob) > literal_column("0")
"""Whether an envelope is not destroyed. The database reads its length, and not its 33 kB."""
Index(
    "envelopes_kept",
    ENVELOPES.c.stored_utc_ms,
    ENVELOPES.c.digest,
    sqlite_where=KEPT,
    postgresql_where=KEPT,
)
_UNOPENED: Final = "The store cannot be opened: check `store` in the settings."
log = logging.getLogger(__name__)
TRIES: Final = 5
"""Most attempts to write an envelope while other receivers write, too."""


def database_file(url: str) -> Path | None:
    """Return the file of an SQLite store; None if the store is on a server.

    Raises:
        StoreRefused: the address is wrong.
    """
    try:
        address = make_url(url)
    except SQLAlchemyError as error:
        raise StoreRefused(_UNOPENED) from error
    server = address.get_backend_name() != "sqlite" or not address.database
    return None if server else Path(str(address.database))


def _unopened(url: str) -> str:
    """Say which store cannot be opened, without the address: a server's holds a password."""
    try:
        file, server = database_file(url), make_url(url).host
    except (StoreRefused, SQLAlchemyError):
        return _UNOPENED
    if file is None:
        at = f"on the server {server}" if server else "on its server"
        return (
            f"The store {at} cannot be opened: see that it answers; check `store` in the settings."
        )
    if not file.parent.is_dir():
        return (
            f"There is no folder {file.parent} for the store {file.name}: make it, or correct "
            "`store` in the settings."
        )
    return f"The store {file} cannot be opened: check its rights, and `store` in the settings."


class Store:
    """All envelopes that came, in one database."""

    def __init__(self, url: str) -> None:
        """Open the store; make or migrate its tables.

        Raises:
            StoreRefused: the address is wrong or the database cannot be opened.
        """
        try:
            self._engine = open_engine(make_url(url))
            migrate(self._engine)
        except (SQLAlchemyError, ImportError) as error:
            raise StoreRefused(_unopened(url)) from error
        self._changes = ChangeMark(self._engine)
        self._release = finalize(self, _close, self._engine, self._changes)

    @property
    def engine(self) -> Engine:
        """The database engine, for queries of other modules, tests and backups."""
        return self._engine

    @property
    def on_server(self) -> bool:
        """Whether the store is no file of SQLite."""
        return self._engine.dialect.name != "sqlite"

    def add_envelopes(
        self, group: Sequence[Sealed], stored_utc_ms: int, shown: Sequence[Sealed] = ()
    ) -> list[bool]:
        """Write envelopes durably in one transaction (group commit); count copies of known ones.

        Args:
            group: one or more, in the order of their records in the ledger.
            stored_utc_ms: the time of their arrival.
            shown: earlier ones, which are marked as shown in the same transaction.

        Returns:
            For each whether it is new. Of two copies in one group the first is.

        Raises:
            StoreRefused: they could not be written; none was.
        """
        for _ in range(TRIES):
            try:
                with self._engine.begin() as connection:
                    new = _add(connection, group, stored_utc_ms)
                    note_shown(connection, shown)
                    return new
            except IntegrityError:
                continue  # Another receiver began the ledger at the same moment.
            except SQLAlchemyError as error:
                raise StoreRefused(
                    "The store cannot be written: check its disk and rights."
                ) from error
        raise StoreRefused("The store cannot be written: other receivers keep it busy.")

    def mark_shown(self, group: Sequence[Sealed]) -> None:
        """Mark envelopes as shown, in one transaction: no receiver shows them again.

        Raises:
            StoreRefused: it could not be written.
        """
        if not group:
            return
        try:
            with self._engine.begin() as connection:
                note_shown(connection, group)
        except SQLAlchemyError as error:
            raise StoreRefused("The store cannot be written: check its disk and rights.") from error

    def envelopes(self, *, unshown: bool = False) -> Iterator[Sealed]:
        """Yield all envelopes that are not destroyed, or only those that were not yet shown.

        A row that holds another envelope than its digest says is logged and left out.
        """
        query = select(ENVELOPES.c.digest, ENVELOPES.c.blob).order_by(ENVELOPES.c.stored_utc_ms)
        query = query.where(KEPT)
        if unshown:
            query = query.join(UNSHOWN, UNSHOWN.c.event == ENVELOPES.c.digest)
        with self.reading() as connection:
            for digest, blob in connection.execution_options(yield_per=100).execute(query):
                try:
                    yield _verified(bytes(digest), bytes(blob))
                except RowRefused as error:
                    log.warning("%s", error)

    def envelope(self, digest: bytes) -> Sealed | None:
        """Return the envelope with this digest; None if it did not come or was destroyed.

        Raises:
            RowRefused: its row holds something else.
        """
        query = select(ENVELOPES.c.blob).where(ENVELOPES.c.digest == digest)
        with self.reading() as connection:
            blob = connection.execute(query).scalar()
        return _verified(digest, bytes(blob)) if blob else None

    def digests(self) -> Sequence[bytes]:
        """Return the digests of all envelopes that are not destroyed, oldest first."""
        query = select(ENVELOPES.c.digest).where(KEPT)
        with self.reading() as connection:
            ordered = query.order_by(ENVELOPES.c.stored_utc_ms)
            return [bytes(digest) for (digest,) in connection.execute(ordered)]

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """Yield a connection for queries.

        Raises:
            StoreRefused: the database does not answer.
        """
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreRefused("The store cannot be read: check its disk and rights.") from error

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """Yield a connection in one transaction: all changes are durable when the block ends.

        Raises:
            RowExists: a row is there already; nothing was written.
            StoreRefused: the database could not be written; nothing was written.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError as error:
            raise RowExists("The store holds this row already: nothing was written.") from error
        except SQLAlchemyError as error:
            raise StoreRefused("The store cannot be written: check its disk and rights.") from error

    def write_copy(self, to: Path) -> None:
        """Write a whole copy of an SQLite store into a new file, while other programs use it.

        Raises:
            StoreRefused: it could not be read or written whole.
        """
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as single:
                single.exec_driver_sql("VACUUM INTO ?", (str(to),))
        except SQLAlchemyError as error:
            raise StoreRefused("The store cannot be copied: check both disks.") from error

    def change_mark(self) -> object:
        """Return a mark that differs after each change by any program; ask before you read.

        Raises:
            StoreRefused: the database does not answer.
        """
        return self._changes.now()

    def count(self) -> int:
        """Return the number of envelopes, destroyed ones included."""
        with self.reading() as connection:
            return connection.execute(select(func.count()).select_from(ENVELOPES)).scalar_one()

    def scrub(self) -> None:
        """Overwrite what deleted data left in the database's files.

        Raises:
            StoreRefused: it could not be done.
        """
        scrub(self._engine)

    def close(self) -> None:
        """Close the database. A program that ends without this call closes it, too."""
        self._release()


def _close(engine: Engine, changes: ChangeMark) -> None:
    changes.close()
    scrub_and_dispose(engine)


def _add(connection: Connection, group: Sequence[Sealed], stored_utc_ms: int) -> list[bool]:
    """Write a group in the transaction of `connection`; return for each whether it is new."""
    lock_ledger(connection)  # First, so that two receivers do not wait for each other's rows.
    rows = {
        each.digest: {
            "camera": each.header.sender,
            "boot_id": each.header.boot_id,
            "sequence": each.header.sequence,
            "stored_utc_ms": stored_utc_ms,
            "digest": each.digest,
            "previous": each.header.previous,
            "blob": each.blob,
        }
        for each in group
    }
    fresh = insert_each_once(connection, ENVELOPES, list(rows.values()), ENVELOPES.c.digest)
    new: list[bool] = []
    stored: list[Sealed] = []
    copies: list[Sealed] = []
    for each in group:
        new.append(each.digest in fresh)
        fresh.discard(each.digest)  # A second copy in this group is not new.
        (stored if new[-1] else copies).append(each)
    if stored:
        append_records(connection, Happening.STORED, [_ledger_body(each) for each in stored])
    note_new(connection, stored)
    note_copies(connection, copies)
    return new


def _verified(digest: bytes, blob: bytes) -> Sealed:
    """Return the envelope in a row, if it is the one that the row names."""
    try:
        sealed = read(Kind.EVENT, blob)
    except FormatError as error:
        raise RowRefused(digest, "its envelope was changed") from error
    if sealed.digest != digest:
        raise RowRefused(digest, "its row holds another envelope")
    return sealed


def _ledger_body(sealed: Sealed) -> dict[str, int | str]:
    header = sealed.header
    return {
        "camera": header.sender.hex(),
        "boot_id": header.boot_id.hex(),
        "sequence": header.sequence,
        "envelope": sealed.digest.hex(),
    }
