"""The estate's own ledger: one chain in the store, in the same transaction as what it tells.

What happened and its record are durable together or not at all. Whoever appends first locks the
head of the chain, so several receivers and reviewers write one chain, not several.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    insert,
    select,
    update,
)

from estate.store.insert_once import insert_once
from formats.ledger import Happening, Head, Program, Record, next_record, verify_chain

METADATA: Final = MetaData()
LEDGER: Final = Table(
    "ledger",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("line", LargeBinary, nullable=False),
)
HEAD: Final = Table(
    "ledger_head",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)


def append(connection: Connection, event: Happening, body: Mapping[str, int | str]) -> Record:
    """Write one record in the transaction of `connection`; it counts when that commits."""
    # The update comes first: it makes every other writer wait until this transaction has ended.
    longer = update(HEAD).values(size=HEAD.c.size + 1)
    if not connection.execute(longer).rowcount and not insert_once(
        connection, HEAD, {"one": 1, "size": 1}
    ):
        connection.execute(longer)  # Somebody else began the chain at this very moment.
    last = connection.execute(select(LEDGER.c.line).order_by(LEDGER.c.seq.desc()).limit(1)).scalar()
    record = next_record(
        None if last is None else bytes(last),
        program=Program.ESTATE,
        mono_ns=time.monotonic_ns(),
        utc_ms=time.time_ns() // 1_000_000,
        event=event,
        body=body,
    )
    connection.execute(insert(LEDGER).values(seq=record.seq, line=record.to_line()))
    return record


def lines(connection: Connection) -> Iterator[bytes]:
    """Every line, from the first, without its newline."""
    for (line,) in connection.execute(select(LEDGER.c.line).order_by(LEDGER.c.seq)):
        yield bytes(line)


def records(connection: Connection) -> list[Record]:
    """Every record, from the first.

    Raises:
        BrokenChain: a line does not continue the one before it.
    """
    written = list(lines(connection))
    verify_chain(written)
    return [Record.from_line(line) for line in written]


def head(connection: Connection) -> Head:
    """The end of the chain, verified from its first line.

    Raises:
        BrokenChain: a line does not continue the one before it.
    """
    return verify_chain(lines(connection))
