"""Removal of events from the outbox: on a verified receipt, or after the policy's retention.

`watch` does this at its start, before any list is verified, and every ten seconds in the thread of
its disk writer. So a camera that is dark also empties its outbox.

1. The courier has handed a receipt over, as a file with the event's name.
2. The estate's signature over it holds, by the key in the outbox's terms.
3. Camera, boot, sequence and digest are those of the event.
4. The ledger has a record of the receipt.
5. The event is overwritten and removed.

A receipt that is refused is recorded by its name, once in a run, and read again after a minute: the
courier may have handed over a true one. Events are destroyed unsent after the policy's retention,
once the ledger says so, while the clock is set. One round takes half a second at most.

Nothing is removed on the courier's word. A receipt's file stays: the courier removes it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from nacl.signing import VerifyKey

from firmware.delivery.outbox import Outbox
from firmware.delivery.receipts import Receipts
from firmware.errors import ForeignFile
from firmware.folder import NO_ROOM
from firmware.record.ledger import Ledger
from formats.errors import FormatError, Malformed
from formats.ledger import Happening
from formats.public_keys import signing_key
from formats.receipt import read_handed_over

ROUND_S: Final = 0.5
"""Longest time of one round: a sealed event may wait behind it, for at most 3 s in all
(`firmware.disk_writer.STALLED_S`)."""
LAPSE_S: Final = 60.0
"""Time between two checks for events that were kept for too long."""
AGAIN_S: Final = 60.0
"""Time after which refused receipts are read again: false ones take a small part of the rounds."""
REFUSALS: Final = 10
"""Most refused receipts that one run records: a courier could hand over thousands."""


@dataclass(slots=True)
class Removal:
    """Removes events in rounds."""

    outbox: Outbox
    receipts: Receipts
    ledger: Ledger
    utc_s: Callable[[], float | None]
    """The time by which events grow old, seconds since 1970; None while the clock is not set."""
    _recorded: set[str] = field(default_factory=set)
    """Names of the refused receipts that the ledger has."""
    _refused: set[str] = field(default_factory=set)
    """Names of the receipts that were refused since `_refused_s`."""
    _refused_s: float = 0.0
    """CLOCK_MONOTONIC."""
    _lapsed_s: float = float("-inf")
    """CLOCK_MONOTONIC of the last check for events that were kept for too long."""

    def round(self) -> bool:
        """Remove events for `ROUND_S` at most; return whether there are more."""
        terms, until_s = self.outbox.terms(), time.monotonic() + ROUND_S
        if terms is None:
            return False
        try:
            names = self.receipts.names()
        except ForeignFile as error:
            self._refuse(error.path.name)
            names = []
        self._destroy_lapsed(terms.keep_days, until_s)
        if time.monotonic() - self._refused_s >= AGAIN_S:
            self._refused_s = time.monotonic()
            self._refused.clear()
        estate = signing_key(terms.receipts_from)
        for name in names:
            if name in self._refused or not self.outbox.holds(name):
                continue
            if time.monotonic() >= until_s:
                return True
            try:
                self._remove(name, estate)
            except FileNotFoundError:  # The courier took it back.
                continue
            except (ForeignFile, FormatError):
                self._refuse(name)
        return False

    def _remove(self, name: str, estate: VerifyKey) -> None:
        receipt = read_handed_over(self.receipts.read(name), estate=estate)  # (2)
        sealed = self.outbox.read_sealed(name)
        header = sealed.header
        named = (receipt.camera, receipt.boot_id, receipt.sequence, receipt.envelope_digest)
        if named != (header.sender, header.boot_id, header.sequence, sealed.digest):  # (3)
            raise Malformed("The receipt is for another event.")
        body: dict[str, int | str] = {
            "sequence": receipt.sequence,
            "envelope": receipt.envelope_digest.hex(),
            "stored_utc_ms": receipt.stored_utc_ms,
        }
        self._record_and_remove(Happening.EVENT_RECEIPTED, body, name)

    def _record_and_remove(self, why: Happening, body: Mapping[str, int | str], name: str) -> None:
        try:
            self.ledger.append(why, body)  # (4)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.outbox.remove(name)  # On a full disk first, for that makes room.
            self.ledger.append(why, body)
        else:
            self.outbox.remove(name)  # (5)

    def _destroy_lapsed(self, keep_days: int, until_s: float) -> None:
        if time.monotonic() - self._lapsed_s < LAPSE_S or (utc_s := self.utc_s()) is None:
            return
        self._lapsed_s = time.monotonic()
        for name in self.outbox.lapsed(keep_days, utc_s):
            if time.monotonic() >= until_s:  # The next check goes on.
                return
            self._record_and_remove(Happening.EVENT_LAPSED, {"name": name}, name)

    def _refuse(self, name: str) -> None:
        """Record a refused receipt, once, and no more than `REFUSALS` of them."""
        if name not in self._recorded and len(self._recorded) < REFUSALS:
            self._recorded.add(name)
            self.ledger.append(Happening.FAULT, {"code": "receipt_refused", "name": name})
        self._refused.add(name)
