"""The ledger: a hash chain of records, one JSON line each, and signed checkpoints of its head.

A line holds the SHA-256 of the line before it. An edited, deleted, inserted or moved line breaks
the chain, and the error names its number. A chain alone does not show that its end was cut off: a
signed `Checkpoint`, kept elsewhere, does. A record names no person, no entry and no score. Nothing
here touches a file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from typing import Final

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from formats.errors import BrokenChain, Forged, FormatError, Malformed
from formats.hexadecimal import read_hex
from formats.strict_json import Fields, dumps, parse

LINE_LIMIT: Final = 4096
"""Bytes of one line at most, without its newline."""
BODY_LIMIT: Final = 32
"""Fields of one body at most."""

_DIGEST_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_ORIGIN_LIMIT: Final = 128
_CHECKPOINT_LIMIT: Final = 1024
_CHECKPOINT_DOMAIN: Final = b"tallylight-checkpoint-v1\0"
_RESTORED_DOMAIN: Final = b"tallylight-restored-v1\0"


class Program(StrEnum):
    """The program whose ledger it is. Every program keeps its own."""

    WATCH = "watch"
    LAMPGUARD = "lampguard"
    COURIER = "courier"
    RECEIVER = "receiver"
    ESTATE = "estate"
    """All acts of the estate: receiving, deciding, destroying, publishing."""


class Happening(StrEnum):
    """The kinds of record. docs/formats/ledger.md lists the body of each."""

    START = "start"
    STOP = "stop"
    LAMP = "lamp"
    PERIOD_BEGIN = "period_begin"
    PERIOD_END = "period_end"
    LIST_ACCEPTED = "list_accepted"
    LIST_REFUSED = "list_refused"
    LIST_DESTROYED = "list_destroyed"
    EVENT_SEALED = "event_sealed"
    STATUS_SEALED = "status_sealed"
    STATUS_READ = "status_read"
    EVENT_RECEIPTED = "event_receipted"
    EVENT_LAPSED = "event_lapsed"
    OUTBOX_FULL = "outbox_full"
    FAULT = "fault"
    STORED = "stored"
    CHECKPOINT = "checkpoint"
    VERDICT = "verdict"
    DECISION = "decision"
    EXPORTED = "exported"
    HELD = "held"
    RELEASED = "released"
    DESTROYED = "destroyed"
    BUDGET = "budget"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many lines it has, and the digest of the last."""

    size: int
    """Number of lines."""
    digest: bytes
    """(32,) SHA-256 of the last line without its newline; zeros for a chain without lines."""


EMPTY: Final = Head(0, bytes(_DIGEST_BYTES))
"""The chain before its first line."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a ledger, field by field."""

    seq: int
    """Number of the line, from 0."""
    previous: bytes
    """(32,) SHA-256 of the line before, without its newline; zeros in line 0."""
    program: Program
    """The program that wrote it."""
    mono_ns: int
    """CLOCK_MONOTONIC when it was written; starts anew with every boot."""
    utc_ms: int
    """By the program's clock, milliseconds since 1970."""
    event: Happening
    """What happened."""
    body: Mapping[str, int | str]
    """The details, by kind of record."""

    def to_line(self) -> bytes:
        """Return the line, without its newline.

        Raises:
            Malformed, TooLarge: the line could not be read back.
        """
        line = dumps(
            {
                "seq": self.seq,
                "previous": self.previous.hex(),
                "program": self.program,
                "mono_ns": self.mono_ns,
                "utc_ms": self.utc_ms,
                "event": self.event,
                "body": self.body,
            }
        )
        Record.from_line(line)
        return line

    @classmethod
    def from_line(cls, line: bytes) -> "Record":
        """Return the record that `to_line` wrote.

        Raises:
            Malformed: not one canonical JSON object, or a field is missing, unknown or wrong.
            TooLarge: more than `LINE_LIMIT` bytes.
        """
        return parse(line, _read_record, limit=LINE_LIMIT, what="record")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The signed statement that a ledger once had this head."""

    origin: str
    """Which ledger: `<camera id in hex>/<program>`, or the estate's name and program."""
    head: Head
    """Not that of an empty chain."""


def next_record(  # noqa: PLR0913 - one argument for each field of a record.
    last: bytes | None,
    *,
    program: Program,
    mono_ns: int,
    utc_ms: int,
    event: Happening,
    body: Mapping[str, int | str],
) -> Record:
    """Return the record that continues `last` (a line without newline), or begins a chain.

    Raises:
        Malformed, TooLarge: `last` is not a line.
    """
    head = EMPTY if last is None else Head(Record.from_line(last).seq + 1, _digest(last))
    return Record(head.size, head.digest, program, mono_ns, utc_ms, event, body)


def verify_chain(lines: Iterable[bytes], head: Head = EMPTY) -> Head:
    """Return the head of a chain in which every line continues the line before it.

    Args:
        lines: without their newlines, from the first, or from the one after `head`.
        head: of the lines before them, which are verified already.

    Raises:
        BrokenChain: a line does not; the error has the number of the first such line.
    """
    for line in lines:
        try:
            record = Record.from_line(line)
        except FormatError as error:
            raise BrokenChain(head.size, str(error)) from error
        if record.previous != head.digest:
            raise BrokenChain(head.size, "It does not continue the line before it.")
        if record.seq != head.size:
            raise BrokenChain(head.size, f"It is numbered {record.seq}.")
        head = Head(head.size + 1, _digest(line))
    return head


def verify_against(lines: Iterable[bytes], checkpoint: Checkpoint) -> None:
    """Verify that the ledger in `lines` is the one that was signed, or a continuation of it.

    Raises:
        BrokenChain: the chain is broken, was cut off, or is another one.
    """
    signed = checkpoint.head
    head = verify_chain(islice(lines, signed.size))
    if head.size != signed.size:
        raise BrokenChain(head.size, f"It is missing; signed records: {signed.size}.")
    if head.digest != signed.digest:
        raise BrokenChain(head.size - 1, "It is not the record that was signed.")


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """Return the checkpoint with its signature, as one canonical JSON object."""
    signature = key.sign(_statement(checkpoint)).signature
    return dumps({**_members(checkpoint), "signature": signature.hex()})


def sign_restored(lost: Head, key: SigningKey) -> dict[str, int | str]:
    """Return the body of a record that makes a checkpoint void: a restored copy lacks its end.

    Without the signature of the ledger's key a checkpoint that the ledger contradicts proves that
    the ledger was changed.
    """
    signature = key.sign(_restored_statement(lost)).signature
    return {"size": lost.size, "digest": lost.digest.hex(), "signature": signature.hex()}


def voided(record: Record, key: VerifyKey) -> Head | None:
    """Return the head that a `restored` record makes void; None if it proves nothing."""
    try:
        size = int(record.body["size"])
        lost = Head(size, read_hex(record.body["digest"], _DIGEST_BYTES))
        signature = read_hex(record.body["signature"], _SIGNATURE_BYTES)
        key.verify(_restored_statement(lost), signature)
    except (KeyError, ValueError, CryptoError, FormatError):
        return None
    return lost if record.event is Happening.RESTORED else None


def _restored_statement(lost: Head) -> bytes:
    return _RESTORED_DOMAIN + dumps({"size": lost.size, "digest": lost.digest.hex()})


def verify_checkpoint(data: bytes, key: VerifyKey) -> Checkpoint:
    """Return the checkpoint in `data`, signed by `key`.

    Raises:
        Malformed, TooLarge: `data` is not a checkpoint.
        Forged: the signature does not hold.
    """
    checkpoint, signature = parse(
        data, _read_checkpoint, limit=_CHECKPOINT_LIMIT, what="checkpoint"
    )
    try:
        key.verify(_statement(checkpoint), signature)
    except CryptoError as error:
        raise Forged("The checkpoint's signature does not hold.") from error
    return checkpoint


def _digest(line: bytes) -> bytes:
    return sha256(line).digest()


def _members(checkpoint: Checkpoint) -> dict[str, int | str]:
    head = checkpoint.head
    return {"origin": checkpoint.origin, "size": head.size, "digest": head.digest.hex()}


def _statement(checkpoint: Checkpoint) -> bytes:
    return _CHECKPOINT_DOMAIN + dumps(_members(checkpoint))


class _Body(dict[str, int | str]):
    """A body that was read: a member that it lacks is a fault of the line."""

    def __missing__(self, name: str) -> int | str:
        raise Malformed(f"A record of the ledger lacks {name!a:.64}: keep the ledger as evidence.")


def _read_record(fields: Fields) -> Record:
    return Record(
        seq=fields.integer("seq"),
        previous=fields.hex_bytes("previous", _DIGEST_BYTES),
        program=fields.choice("program", Program),
        mono_ns=fields.integer("mono_ns"),
        utc_ms=fields.integer("utc_ms"),
        event=fields.choice("event", Happening),
        body=_Body(fields.flat("body", count=BODY_LIMIT)),
    )


def _read_checkpoint(fields: Fields) -> tuple[Checkpoint, bytes]:
    origin = fields.text("origin", at_most=_ORIGIN_LIMIT)
    head = Head(fields.integer("size", low=1), fields.hex_bytes("digest", _DIGEST_BYTES))
    return Checkpoint(origin, head), fields.hex_bytes("signature", _SIGNATURE_BYTES)
