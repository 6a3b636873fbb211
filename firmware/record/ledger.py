"""One program's ledger on disk: lines are only ever appended, and each is durable before it counts.

A half-written last line, as a power cut leaves it, is cut off when the ledger is opened. Anything
else that does not verify is for people to look at: the ledger is not opened and nothing starts.
"""

import os
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from nacl.signing import SigningKey

from firmware.errors import LedgerBroken
from formats.envelope import sender_id
from formats.errors import BrokenChain
from formats.ledger import (
    Checkpoint,
    Happening,
    Head,
    Program,
    Record,
    next_record,
    sign_checkpoint,
    verify_chain,
)


class Ledger:
    """The chain in `ledger.jsonl` of one program's folder."""

    def __init__(self, folder: Path, program: Program) -> None:
        """Open the ledger, or begin it.

        Raises:
            LedgerBroken: a line does not verify.
        """
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._path = folder / "ledger.jsonl"
        self._program = program
        self._last = self._recover()

    def append(self, event: Happening, body: Mapping[str, int | str] | None = None) -> None:
        """Write one record; it is on disk when this returns."""
        line = next_record(
            self._last,
            program=self._program,
            mono_ns=time.monotonic_ns(),
            utc_ms=time.time_ns() // 1_000_000,
            event=event,
            body=body or {},
        ).to_line()
        length = self._path.stat().st_size
        try:
            with self._path.open("ab") as file:
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.truncate(self._path, length)  # Half a line, as a full disk leaves it.
            raise
        self._last = line

    def checkpoint(self, key: SigningKey) -> None:
        """Sign the end of the chain into `checkpoint.json`, for whoever collects the ledger."""
        if self._last is None:
            return
        head = Head(Record.from_line(self._last).seq + 1, sha256(self._last).digest())
        origin = f"{sender_id(key.verify_key).hex()}/{self._program}"
        part = self._path.with_name("checkpoint.part")
        part.write_bytes(sign_checkpoint(Checkpoint(origin, head), key))
        part.replace(self._path.with_name("checkpoint.json"))

    def records(self) -> Iterator[Record]:
        """Yield what was written so far, oldest first."""
        with self._path.open("rb") as lines:
            for line in lines:
                yield Record.from_line(line.rstrip(b"\n"))

    def _recover(self) -> bytes | None:
        self._path.touch(mode=0o640)
        written = self._path.read_bytes()
        whole = written.rpartition(b"\n")[0]
        lines = whole.split(b"\n") if whole else []
        try:
            verify_chain(lines)
        except BrokenChain as error:
            raise LedgerBroken(
                f"{self._path} has been changed ({error}) Keep it as evidence, move it away, and "
                "start again."
            ) from error
        os.truncate(self._path, len(whole) + 1 if whole else 0)
        return lines[-1] if lines else None
