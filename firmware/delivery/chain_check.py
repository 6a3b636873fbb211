"""Check the outbox against the ledger of `watch` at its start: rollback of the chain, lost events.

Each record of a sealed envelope has its number, sequence and digest. Two things must agree with it:

1. The chain goes on from the newest envelope in the ledger, or from a newer one: after a power cut
   the outbox can be one ahead. A chain that is older is recorded as `chain_behind`, unless the
   newest envelope is here and broken. The next event names the newest envelope of the ledger as the
   one before it. So the estate sees a gap.
2. Each envelope in the ledger is here, or the ledger says that it was receipted or has lapsed. The
   others are recorded as `event_missing`, once, with the first and the last name of each stretch.

Records of the version before have no number. They count for the first check by their digest alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from firmware.delivery.marks import Link
from firmware.delivery.names import name_of, number_of
from firmware.delivery.outbox import Outbox
from firmware.record.ledger import Ledger
from formats.envelope import DIGEST_BYTES, ID_BYTES
from formats.hexadecimal import read_hex
from formats.ledger import Happening

SEALED: Final = frozenset({Happening.EVENT_SEALED, Happening.STATUS_SEALED})
GONE: Final = frozenset({Happening.EVENT_RECEIPTED, Happening.EVENT_LAPSED})
MISSING: Final = "event_missing"
BEHIND: Final = "chain_behind"
"""Codes of the two faults."""
UNKNOWN_BOOT: Final = bytes(ID_BYTES)
"""The ledger does not name the boot of an envelope. No run has this one."""


@dataclass(slots=True)
class _Told:
    """What the ledger says of sealed envelopes."""

    newest: Mapping[str, int | str] = field(default_factory=dict)
    """Body of the last record of a sealed envelope."""
    earlier: set[str] = field(default_factory=set)
    """Digests of those before it that have no number, in hex."""
    here: dict[int, str] = field(default_factory=dict)
    """Digests by number, in hex, of those that must be in the outbox."""
    numbers: dict[str, int] = field(default_factory=dict)
    """The same by digest."""

    def add(self, happening: Happening, body: Mapping[str, int | str]) -> None:
        """Take one record."""
        if happening in SEALED:
            if self.newest and "number" not in self.newest:
                self.earlier.add(str(self.newest["envelope"]))
            self.newest = body
            if "number" in body:
                digest, number = str(body["envelope"]), int(body["number"])
                self.here[number], self.numbers[digest] = digest, number
        elif happening is Happening.EVENT_RECEIPTED:
            self.here.pop(self.numbers.pop(str(body["envelope"]), 0), None)
        elif happening is Happening.EVENT_LAPSED:
            self._gone(number_of(str(body["name"])) or 0)
        elif happening is Happening.FAULT and body["code"] == MISSING:
            for number in range(int(body["name"]), int(body["to"]) + 1):
                self._gone(number)

    def _gone(self, number: int) -> None:
        self.numbers.pop(self.here.pop(number, ""), None)


def check_chain(
    outbox: Outbox,
    ledger: Ledger,
    link: Link | None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Link | None:
    """Return the envelope after which the chain goes on; record what the outbox has lost.

    Args:
        outbox: after `recover`.
        ledger: of `watch`.
        link: the newest envelope that the chain names.
        meanwhile: called for each record that is read: a ledger of years takes long.
    """
    told = _Told()
    for record in ledger.records(SEALED | GONE, codes={MISSING}):
        meanwhile()
        told.add(record.event, record.body)
    here = outbox.numbers()
    for first, last in _stretches(told.here.keys() - here):
        body = {"code": MISSING, "name": f"{first:012d}", "to": f"{last:012d}"}
        ledger.append(Happening.FAULT, body)
    newest = _newest(told, link)
    if newest is not None and newest != link:
        if told.newest.get("number") not in here:
            ledger.append(Happening.FAULT, {"code": BEHIND, "name": name_of(newest)})
        outbox.set_link(newest)
    return newest


def _newest(told: _Told, link: Link | None) -> Link | None:
    """Return the chain's newest envelope, or the ledger's if the chain is older."""
    body = told.newest
    if not body or (link is not None and link.digest.hex() == body["envelope"]):
        return link
    if link is None:
        behind = True
    elif "number" in body:
        behind = link.number <= int(body["number"])
    else:
        behind = link.digest.hex() in told.earlier
    if not behind:
        return link
    unnumbered = (link.number if link else 0) + len(told.earlier) + 1  # No lower than it was.
    number, sequence = int(body.get("number", unnumbered)), int(body["sequence"])
    return Link(number, UNKNOWN_BOOT, sequence, read_hex(body["envelope"], DIGEST_BYTES))


def _stretches(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of consecutive numbers."""
    first = last = None
    for number in sorted(numbers):
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last
