"""Remove receipted events from a desk camera's outbox while `watch` is not running.

On a camera `watch` does this at its next start. A rig whose `watch` has ended does not start it for
that alone.
"""

from firmware.config import State
from firmware.delivery.outbox import Outbox
from firmware.delivery.receipts import Receipts
from firmware.delivery.removal import Removal
from firmware.record.ledger import Ledger
from formats.ledger import Program


def remove_receipted(state: State) -> list[str]:
    """Remove the events whose receipts have come; return the names of those that still wait."""
    outbox, ledger = Outbox(state.outbox), Ledger(state.watch, Program.WATCH)
    removal = Removal(outbox, Receipts(state.receipts), ledger, lambda: None)
    while removal.round():
        continue
    return outbox.names()
