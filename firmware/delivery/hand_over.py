"""Hand receipts over: the courier verifies each, records it, and leaves it for `watch` as a file.

`watch` verifies it again and deletes the event (`firmware/delivery/removal.py`). An event whose
receipt was handed over is not sent again. When its event is gone, the courier removes the receipt.
It takes a receipt back that `watch` would refuse, for instance after the estate has changed its
receipt key: the event is then sent again.

Nothing is deleted from the outbox here.
"""

import logging
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from nacl.public import PrivateKey

from firmware.delivery.marks import Terms
from firmware.delivery.receipts import Receipts
from firmware.delivery.waiting import WaitingEvents
from firmware.errors import ForeignFile
from firmware.folder import NO_ROOM
from firmware.record.ledger import Ledger
from formats.errors import FormatError
from formats.ledger import Happening
from formats.public_keys import signing_key
from formats.receipt import Receipt, hand_over, read_handed_over

LOOKS: Final = 100
"""Most events that are looked for in one round: `watch` may leave thousands of receipts lying."""

log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class HandOver:
    """The receipts that were handed over, and whose events are still in the outbox."""

    outbox: WaitingEvents
    receipts: Receipts
    key: PrivateKey
    """Opens receipts."""
    ledger: Ledger
    """The courier's."""
    names: dict[str, None] = field(init=False)
    """Names of the events whose receipts were handed over; those that were looked at last come
    last."""
    _unrecorded: list[dict[str, int | str]] = field(default_factory=list)
    """Bodies of records for which a full disk had no room."""
    _terms: Terms | None = None
    """The terms for which `check` was done."""

    def __post_init__(self) -> None:
        self.receipts.reserve()
        self.names = dict.fromkeys(self.receipts.names())
        self.check()

    def open(self, blob: bytes) -> tuple[Receipt, bytes]:
        """Return the receipt in an MQTT message, and what to hand over.

        Raises:
            FormatError: it is no receipt of the estate for this camera.
        """
        terms = self.outbox.terms()
        if terms is None:
            raise FormatError("It is not yet known whose receipts to believe.")
        estate = signing_key(terms.receipts_from)
        content = hand_over(blob, estate=estate, key=self.key)
        return read_handed_over(content, estate=estate), content

    def put(self, name: str, receipt: Receipt, content: bytes) -> bool:
        """Record a receipt, then leave it for `watch`; return whether the disk had room for it."""
        body: dict[str, int | str] = {
            "sequence": receipt.sequence,
            "envelope": receipt.envelope_digest.hex(),
            "stored_utc_ms": receipt.stored_utc_ms,
        }
        self._unrecorded.append(body)
        self.record()
        try:
            self.receipts.put(name, content)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            log.warning("The disk is full: event %s is kept until its receipt can be.", name)
            self._unrecorded = [each for each in self._unrecorded if each is not body]
            return False
        self.names[name] = None
        return True

    def record(self) -> None:
        """Record the receipts that are not recorded yet, unless the disk is full."""
        while self._unrecorded:
            try:
                self.ledger.append(Happening.EVENT_RECEIPTED, self._unrecorded[0])
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                return
            del self._unrecorded[0]

    def drop_gone(self) -> None:
        """Remove the receipts whose events are gone from the outbox, of `LOOKS` in one call."""
        for name in tuple(islice(self.names, LOOKS)):
            del self.names[name]
            if self.outbox.holds(name):
                self.names[name] = None
            else:
                self.receipts.remove(name)

    def check(self) -> list[str]:
        """Take receipts back that `watch` would refuse, once for the terms of now.

        Return the names of their events: they are to be sent again.
        """
        terms = self.outbox.terms()
        if terms is None or terms == self._terms:
            return []
        self._terms = terms
        refused = [name for name in sorted(self.names) if not self._holds(name, terms)]
        for name in refused:
            self.receipts.remove(name)
            del self.names[name]
        return refused

    def _holds(self, name: str, terms: Terms) -> bool:
        try:
            estate = signing_key(terms.receipts_from)
            receipt = read_handed_over(self.receipts.read(name), estate=estate)
            return receipt.envelope_digest == self.outbox.read_sealed(name).digest
        except (FormatError, ForeignFile, FileNotFoundError):
            return False
