"""Where sealed events lie: still sealed, once each, durable before anybody is told.

SQLite by default, PostgreSQL by URL. The store holds no key and never opens anything.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from estate.errors import StoreRefused
from formats.envelope import Kind, Sealed, read

METADATA: Final = MetaData()
ENVELOPES: Final = Table(
    "envelopes",
    METADATA,
    Column("camera", LargeBinary(16), nullable=False),
    Column("boot_id", LargeBinary(16), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("stored_utc_ms", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("blob", LargeBinary, nullable=False),
    UniqueConstraint("camera", "boot_id", "sequence", "digest"),  # A fork is kept, not hidden.
)


class Store:
    """The envelopes received."""

    def __init__(self, url: str) -> None:
        """Open the store, making its table when it is new.

        Raises:
            StoreRefused: the address is wrong or the database cannot be opened.
        """
        try:
            self._engine = create_engine(url)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _make_durable)
            METADATA.create_all(self._engine)
        except (SQLAlchemyError, ImportError) as error:
            # Without the address: that of a server holds a password.
            raise StoreRefused(
                "The store cannot be opened: check `store` in the settings."
            ) from error

    @property
    def engine(self) -> Engine:
        """The database, for tests and back-ups."""
        return self._engine

    def keep(self, sealed: Sealed, stored_utc_ms: int) -> bool:
        """Write the envelope durably; say whether it is new.

        Raises:
            StoreRefused: it could not be written.
        """
        row = {
            "camera": sealed.header.sender,
            "boot_id": sealed.header.boot_id,
            "sequence": sealed.header.sequence,
            "stored_utc_ms": stored_utc_ms,
            "digest": sealed.digest,
            "blob": sealed.blob,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(ENVELOPES.insert().values(row))
        except IntegrityError:
            return False
        except SQLAlchemyError as error:
            raise StoreRefused("The store cannot be written: check its disk and rights.") from error
        return True

    def envelopes(self) -> Iterator[Sealed]:
        """Yield all envelopes, oldest first."""
        query = select(ENVELOPES.c.blob).order_by(ENVELOPES.c.stored_utc_ms)
        with self._engine.connect() as connection:
            for (blob,) in connection.execute(query):
                yield read(Kind.EVENT, blob)

    def count(self) -> int:
        """Return how many envelopes are kept."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(ENVELOPES)).scalar_one()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _make_durable(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # The DB-API's connection.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
