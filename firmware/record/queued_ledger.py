"""A ledger behind the write-behind queue: a record is stamped now and written in its turn.

For programs that hold the lamp: `append` and `sign` do not wait for the disk. A record carries the
time at which it was handed over. `DiskWriter.check` says whether the disk takes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from firmware.disk_writer import DiskWriter
from firmware.record.ledger import Ledger, Moment
from formats.ledger import Happening


@dataclass(frozen=True, slots=True)
class QueuedLedger:
    """One program's ledger, and the queue in front of it."""

    ledger: Ledger
    writer: DiskWriter

    def append(
        self,
        event: Happening,
        body: Mapping[str, int | str] | None = None,
        *,
        regardless: bool = False,
    ) -> None:
        """Hand one record over.

        Args:
            event: what happens now.
            body: the details.
            regardless: write it even if a write before it fails.

        Raises:
            DiskStalled: the queue is full.
            Exception: an earlier write failed.
        """
        write = partial(self.ledger.append, event, body, at=Moment.now())
        self.writer.submit(write, regardless=regardless)

    def sign(self) -> None:
        """Queue a signature over the end of the chain; errors as of `append`."""
        self.writer.submit(self.ledger.sign)

    def keep_signed(self) -> None:
        """Queue a signature if one is overdue, unless a write waits already."""
        if self.ledger.overdue and not self.writer.pending:
            self.sign()
