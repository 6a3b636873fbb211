"""Stands in for `watch`: puts sealed events into the outbox, and removes those with a receipt.

It ends when all events are made and removed. It logs each sealed event before it puts the event
into the outbox, and each event in a second log after the outbox has promised to keep it. Both logs
lie outside the camera. The maker may be killed at any moment.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_bytes
from typing import Final

from nacl.signing import SigningKey

from estate.tests.events import EVENT, REVIEWERS
from firmware.config import State
from firmware.delivery.chain_check import check_chain
from firmware.delivery.marks import Link
from firmware.delivery.outbox import Outbox
from firmware.delivery.receipts import Receipts
from firmware.delivery.removal import Removal
from firmware.errors import OutboxFull
from firmware.identity import watch_keys
from firmware.record.ledger import Ledger
from formats.envelope import NO_PREVIOUS, Sealed, sender_id
from formats.ledger import Happening, Program
from formats.message import seal_event

FULL_S: Final = 0.2
"""After a refusal it waits this long, as its supervisor would."""
ROUND_S: Final = 0.05
"""Time between two looks for receipts when all events are made."""


@dataclass(slots=True)
class Maker:
    """One run of the maker."""

    outbox: Outbox
    key: SigningKey
    boot_id: bytes
    link: Link | None
    sequence: int = 0

    def seal(self) -> tuple[Sealed, Link]:
        """Return the next event of the chain, not yet in the outbox."""
        self.sequence += 1
        camera = sender_id(self.key.verify_key)
        event = replace(EVENT, camera=camera, boot_id=self.boot_id, sequence=self.sequence)
        sealed = seal_event(
            event,
            sender=self.key,
            recipients=[reviewer.public_key for reviewer in REVIEWERS],
            key_epoch=1,
            previous=self.link.digest if self.link else NO_PREVIOUS,
        )
        number = self.link.number + 1 if self.link else 1
        return sealed, Link(number, self.boot_id, self.sequence, sealed.digest)


def make(
    state: State,
    logs: Path,
    count: int,
    pause_s: float,
    before_each: Callable[[Ledger], None] = lambda _: None,
) -> None:
    """Make events until `count` were promised in all, in this run and those before it.

    Args:
        state: the camera's folders.
        logs: the folder of the maker's logs.
        count: of events.
        pause_s: between two of them.
        before_each: called with the ledger of `watch` before each event.
    """
    promised, outbox = logs / "promised", Outbox(state.outbox)
    ledger = Ledger(state.watch, Program.WATCH)
    removal = Removal(outbox, Receipts(state.receipts), ledger, lambda: None)
    while len(read_log(promised)) < count or removal.round() or outbox.names():
        link = check_chain(outbox, ledger, outbox.recover().link)
        maker = Maker(outbox, watch_keys(state).sign, token_bytes(16), link)
        try:
            for _ in range(count - len(read_log(promised))):
                before_each(ledger)
                outbox.room()
                sealed, link = maker.seal()
                append(logs / "sealed", sealed.digest)
                outbox.put(sealed, link)
                maker.link = link
                append(promised, sealed.digest)
                record(ledger, link)
                removal.round()
                time.sleep(pause_s)
        except OutboxFull:
            append(logs / "refused", bytes(32))
            time.sleep(FULL_S)
        time.sleep(ROUND_S)


def record(ledger: Ledger, link: Link) -> None:
    """Record a sealed event, as `watch` does."""
    body: dict[str, int | str] = {"number": link.number, "sequence": link.sequence}
    ledger.append(Happening.EVENT_SEALED, body | {"envelope": link.digest.hex()})


def append(log: Path, digest: bytes) -> None:
    """Write one line, durably."""
    with log.open("ab") as file:
        file.write(digest.hex().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_log(log: Path) -> list[str]:
    """Return the lines of a log, without one that was cut off."""
    return log.read_text().rpartition("\n")[0].split() if log.exists() else []


if __name__ == "__main__":
    folder, log_folder, wanted, pause = sys.argv[1:]
    make(State(Path(folder)), Path(log_folder), int(wanted), float(pause))
