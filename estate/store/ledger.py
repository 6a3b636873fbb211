"""The estate's ledger: a hash chain of records (audit log) in the store.

A record is written in the same transaction as the change that it tells of, so both are durable or
neither. The first writer locks the head of the chain until its transaction ends, so that several
receivers and consoles write one chain.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey, VerifyKey
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

from estate.errors import BooksRefused
from estate.store.insert_once import insert_once
from formats.errors import BrokenChain, FormatError
from formats.ledger import (
    EMPTY,
    Happening,
    Head,
    Program,
    Record,
    next_record,
    sign_restored,
    verify_against,
    verify_chain,
    verify_checkpoint,
    voided,
)

CHECKPOINTS: Final = "estate.checkpoint"
"""File of the books with the signed checkpoints of this ledger, one on each line."""
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


def lock_ledger(connection: Connection) -> None:
    """Let no other program write the ledger until this transaction ends (lock).

    What is read after this stays true until then.
    """
    connection.execute(update(HEAD).values(size=HEAD.c.size))


def append_record(
    connection: Connection, event: Happening, body: Mapping[str, int | str]
) -> Record:
    """Append one record in the transaction of `connection`; it counts when that commits."""
    (record,) = append_records(connection, event, [body])
    return record


def append_records(
    connection: Connection, event: Happening, bodies: Sequence[Mapping[str, int | str]]
) -> list[Record]:
    """Append one record or more of a kind, in order, in the transaction of `connection`."""
    # The update comes first: every other writer waits until this transaction has ended.
    longer = update(HEAD).values(size=HEAD.c.size + len(bodies))
    if not connection.execute(longer).rowcount and not insert_once(
        connection, HEAD, {"one": 1, "size": len(bodies)}
    ):
        connection.execute(longer)  # Another program began the chain at this moment.
    newest = select(LEDGER.c.line).order_by(LEDGER.c.seq.desc()).limit(1)
    last = connection.execute(newest).scalar()
    line, records = None if last is None else bytes(last), []
    for body in bodies:
        record = next_record(
            line,
            program=Program.ESTATE,
            mono_ns=time.monotonic_ns(),
            utc_ms=time.time_ns() // 1_000_000,
            event=event,
            body=body,
        )
        line = record.to_line()
        records.append(record)
    connection.execute(
        insert(LEDGER), [{"seq": each.seq, "line": each.to_line()} for each in records]
    )
    return records


def ledger_lines(connection: Connection) -> Iterator[bytes]:
    """Yield every line, from the first, without its newline."""
    for (line,) in connection.execute(select(LEDGER.c.line).order_by(LEDGER.c.seq)):
        yield bytes(line)


def ledger_records(connection: Connection) -> list[Record]:
    """Return every record, from the first, once the chain is verified.

    Raises:
        BrokenChain: a line does not continue the one before it.
    """
    written = list(ledger_lines(connection))
    verify_chain(written)
    return [Record.from_line(line) for line in written]


@dataclass(slots=True)
class LedgerReader:
    """Reads the ledger on from where it stopped (incremental): it verifies each line once."""

    wanted: tuple[Happening, ...]
    """The kinds of record that are kept."""
    _head: Head = EMPTY
    _found: list[Record] = field(default_factory=list)

    def records(self, connection: Connection) -> Sequence[Record]:
        """Return every record of the wanted kinds, once the chain is verified.

        A chain that does not continue what was read, as after a restore, is read from its start.

        Raises:
            BooksRefused: a line does not continue the one before it.
        """
        try:
            self._read_on(connection)
        except BrokenChain:
            self._head, self._found = EMPTY, []
            try:
                self._read_on(connection)
            except BrokenChain as error:
                raise BooksRefused(
                    f"The ledger has been changed ({error}) Keep the store as evidence."
                ) from error
        return self._found

    def _read_on(self, connection: Connection) -> None:
        last = self._head.size - 1
        query = select(LEDGER.c.line).order_by(LEDGER.c.seq)
        here = connection.execute(query.where(LEDGER.c.seq == last)).scalar() or b""
        if self._head.size and sha256(bytes(here)).digest() != self._head.digest:
            raise BrokenChain(last, "It is not the record that was read before.")
        newer = connection.execute(query.where(LEDGER.c.seq > last)).scalars().all()
        self._head = verify_chain(map(bytes, newer), self._head)
        marks = [f'"event":"{kind}"'.encode() for kind in self.wanted]
        lines = [line for line in map(bytes, newer) if any(mark in line for mark in marks)]
        found = [Record.from_line(line) for line in lines]
        self._found += [record for record in found if record.event in self.wanted]


def checkpointed_records(connection: Connection, books: Path, key: VerifyKey) -> list[Record]:
    """Return every record, once the chain is verified against the newest signed checkpoint.

    Args:
        connection: to the store.
        books: folder with the checkpoints; without any, the chain alone is verified.
        key: the estate's ledger key.

    Raises:
        BooksRefused: a record was changed, or the chain is not the one that was signed.
    """
    file, written = books / CHECKPOINTS, list(ledger_lines(connection))
    try:
        verify_chain(written)
        records = [Record.from_line(line) for line in written]
        void = {lost for each in records if (lost := voided(each, key)) is not None}
        for last in file.read_bytes().splitlines()[-1:] if file.exists() else []:
            checkpoint = verify_checkpoint(last, key)
            if checkpoint.head not in void:
                verify_against(written, checkpoint)
    except FormatError as error:
        raise BooksRefused(
            f"The ledger has been changed ({error}) Keep the store and {file} as evidence. If you "
            "restored an older copy, run tallylight-estate restore."
        ) from error
    return records


def void_checkpoints(connection: Connection, books: Path, key: SigningKey) -> int:
    """Record, signed, which checkpoints a restored copy lacks the records of; return their number.

    For `restore` alone: the key's holder says that the copy is older, and the books show it.

    Raises:
        BooksRefused: a checkpoint was not signed with this key.
    """
    file, written = books / CHECKPOINTS, list(ledger_lines(connection))
    records = [Record.from_line(line) for line in written]
    void = {lost for each in records if (lost := voided(each, key.verify_key)) is not None}
    count = 0
    for line in file.read_bytes().splitlines() if file.exists() else []:
        try:
            checkpoint = verify_checkpoint(line, key.verify_key)
        except FormatError as error:
            raise BooksRefused(f"A checkpoint in {file} does not hold: {error}") from error
        try:
            verify_against(written, checkpoint)
        except FormatError:
            if checkpoint.head not in void:
                append_record(connection, Happening.RESTORED, sign_restored(checkpoint.head, key))
                count += 1
    return count


def ledger_head(connection: Connection) -> Head:
    """Return the end of the chain, verified from its first line.

    Raises:
        BrokenChain: a line does not continue the one before it.
    """
    return verify_chain(ledger_lines(connection))
