"""One program's ledger on disk: append a line, fsync it, sign the head into `checkpoint.json`.

A half-written last line, as a power cut leaves it, is cut off when the ledger is opened. If any
other line does not verify, the ledger is not opened and the program does not start: an operator
must look at it. The ledger is read line by line: it may be larger than memory.

With a key, the end of the chain is signed into `checkpoint.json`: at the start, after `SIGN_AFTER`
records or `SIGN_AFTER_S`, and at the end. With a copy of that file an auditor can tell whether a
record before it was changed or cut off; the program itself checks this when it starts. A full disk
postpones a signature.
"""

import os
import time
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from nacl.signing import SigningKey

from firmware.errors import LedgerBroken
from firmware.folder import Folder, unless_full
from formats.errors import BrokenChain, FormatError
from formats.ledger import (
    EMPTY,
    Checkpoint,
    Happening,
    Head,
    Program,
    Record,
    next_record,
    sign_checkpoint,
    verify_chain,
    verify_checkpoint,
)

LEDGER: Final = "ledger.jsonl"
LIMIT: Final = 4 * 2**30
"""Bytes of a ledger: more than ten million records."""
CHECKPOINT: Final = "checkpoint.json"
CHECKPOINT_LIMIT: Final = 4096
SIGN_AFTER: Final = 100
"""Most records without a signature."""
SIGN_AFTER_S: Final = 600.0
"""Longest time that a record stays without one, if the program calls `keep_signed` often."""


class Moment(NamedTuple):
    """The moment at which something happened."""

    mono_ns: int
    """CLOCK_MONOTONIC, in nanoseconds."""
    utc_ms: int
    """By the program's clock, milliseconds since 1970."""

    @classmethod
    def now(cls) -> "Moment":
        """Return this moment."""
        return cls(time.monotonic_ns(), time.time_ns() // 1_000_000)


@dataclass(frozen=True, slots=True)
class Signer:
    """The camera whose ledger it is, and the key that signs it."""

    camera: bytes
    """(16,) id of the camera."""
    key: SigningKey = field(repr=False)


class Ledger:
    """The chain in `ledger.jsonl` of one program's folder."""

    def __init__(self, folder: Path, program: Program) -> None:
        """Open the ledger, or begin a new one.

        Raises:
            LedgerBroken: a line does not verify.
            ForeignFile: the ledger or its folder is a link, a FIFO, or of another kind.
        """
        Folder.made(folder, 0o750).close()
        self._path = folder / LEDGER
        self._program = program
        self._signer: Signer | None = None
        self._unsigned = 0
        self._signed_s = 0.0
        self._last = self._recover()

    def append(
        self,
        event: Happening,
        body: Mapping[str, int | str] | None = None,
        at: Moment | None = None,
    ) -> None:
        """Write one record; it is on disk when this returns.

        Args:
            event: what happened.
            body: the details.
            at: when it happened, if that was before now: a record may wait for the disk.
        """
        moment = at or Moment.now()
        line = next_record(
            self._last,
            program=self._program,
            mono_ns=moment.mono_ns,
            utc_ms=moment.utc_ms,
            event=event,
            body=body or {},
        ).to_line()
        with self._open(writable=True) as file:
            _append(file, line + b"\n")
        self._last = line
        self._unsigned += 1
        if self._unsigned >= SIGN_AFTER:
            self.sign()

    def append_if_room(self, event: Happening, body: Mapping[str, int | str] | None = None) -> None:
        """Write one record, or none if the disk is full: receipts make room, and must go on."""
        with unless_full():
            self.append(event, body)

    @property
    def head(self) -> Head:
        """How many records there are, and the digest of the last; any thread may ask."""
        last = self._last  # Read once: a writer's thread replaces it.
        if last is None:
            return EMPTY
        return Head(Record.from_line(last).seq + 1, sha256(last).digest())

    def sign_with(self, signer: Signer) -> None:
        """Verify the last checkpoint, sign the chain, and keep it signed from now on.

        Raises:
            LedgerBroken: it is not the chain that was signed last, or its end was cut off.
        """
        try:
            with Folder(self._path.parent) as own:
                checkpoint = own.read(CHECKPOINT, limit=CHECKPOINT_LIMIT)
            signed = verify_checkpoint(checkpoint, signer.key.verify_key).head
        except (FileNotFoundError, FormatError):
            # None yet, or torn by a power cut: it is not synced. Copies kept elsewhere count.
            signed = EMPTY
        self._verify_signed(signed)
        self._signer, self._unsigned = signer, self._unsigned + 1
        self.sign()

    def sign(self) -> None:
        """Sign the end of the chain into `checkpoint.json`, if it has grown and there is room."""
        if self._signer is None or self._last is None or not self._unsigned:
            return
        origin = f"{self._signer.camera.hex()}/{self._program}"
        signed = sign_checkpoint(Checkpoint(origin, self.head), self._signer.key)
        self._signed_s = time.monotonic()
        with unless_full(), Folder(self._path.parent) as own:
            own.replace(CHECKPOINT, signed, synced=False)
            self._unsigned = 0

    @property
    def overdue(self) -> bool:
        """Whether a record has been without a signature for too long; reads no disk."""
        return bool(self._unsigned) and time.monotonic() - self._signed_s >= SIGN_AFTER_S

    def keep_signed(self) -> None:
        """Sign records that have been without a signature for too long; cheap on every round."""
        if self.overdue:
            self.sign()

    def records(
        self,
        kinds: AbstractSet[Happening] = frozenset(Happening),
        codes: AbstractSet[str] = frozenset(),
    ) -> Iterator[Record]:
        """Yield what was written so far of these kinds or with these codes, oldest first."""
        words = *(f'"event":"{kind}"' for kind in kinds), *(f'"code":"{code}"' for code in codes)
        wanted = tuple(word.encode() for word in words)
        with self._open() as lines:
            for line in lines:
                if any(word in line for word in wanted):  # To read a line takes longer.
                    yield Record.from_line(line.rstrip(b"\n"))

    def _open(self, *, writable: bool = False) -> BinaryIO:
        with Folder(self._path.parent) as own:
            return own.open(LEDGER, limit=LIMIT, writable=writable)

    def _verify_signed(self, signed: Head) -> None:
        if not signed.size:
            return
        with self._open() as lines:
            then = next(islice(lines, signed.size - 1, None), None)
        if then is None or sha256(then.rstrip(b"\n")).digest() != signed.digest:
            raise LedgerBroken(
                f"{self._path} is not what this camera signed: its first {signed.size} records "
                f"were changed or cut off. Keep {self._path.parent} as evidence, move ledger.jsonl "
                "and checkpoint.json away, and start again."
            )

    def _recover(self) -> bytes | None:
        with Folder(self._path.parent) as own:
            if own.status(LEDGER) is None:
                own.write(LEDGER, b"")
        with self._open(writable=True) as file:
            written = _Written(file)
            try:
                verify_chain(written)
            except BrokenChain as error:
                raise LedgerBroken(
                    f"{self._path} has been changed ({error}) Keep it as evidence, move it away, "
                    "and start again."
                ) from error
            file.truncate(written.length)
        return written.last


@dataclass(slots=True)
class _Written:
    """The whole lines of a ledger, read one at a time: memory does not grow with the ledger."""

    file: BinaryIO
    last: bytes | None = None
    """The last whole line so far, without its newline."""
    length: int = 0
    """Bytes of the whole lines so far, with their newlines."""

    def __iter__(self) -> Iterator[bytes]:
        for line in self.file:
            if not line.endswith(b"\n"):  # Torn by a power cut.
                return
            self.last, self.length = line[:-1], self.length + len(line)
            yield self.last


def _append(file: BinaryIO, line: bytes) -> None:
    """Write one line at the end and wait until the disk has it."""
    length = file.seek(0, os.SEEK_END)
    try:
        while line:  # A disk with little room takes a part, and then refuses the rest.
            line = line[os.write(file.fileno(), line) :]
        os.fsync(file.fileno())
    except OSError:
        os.ftruncate(file.fileno(), length)  # Half a line, as a full disk leaves it.
        raise
