"""A refusal of `watch`: record it in the ledger, then stay dark before the program ends.

The rest keeps a supervisor from starting the program again at once. A program that rests tells the
supervisor that it is alive. It ends within 2 s of being told to stop, also while its disk hangs. No
frame is looked at.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from firmware.config import State
from firmware.delivery.waiting import WaitingEvents
from firmware.disk_writer import END_S, DiskWriter
from firmware.errors import DiskStalled, ForeignFile, LampDark, NoLease, OutboxFull
from firmware.record.ledger import Ledger, Moment
from firmware.record.queued_ledger import QueuedLedger
from firmware.supervisor import Supervisor
from formats.errors import Refused
from formats.ledger import Happening

LONGEST_REST_S: Final[dict[type[Refused], float]] = {LampDark: 5.0, NoLease: 5.0, DiskStalled: 0.0}
"""By refusal. A guard that was killed is back within seconds, and a disk that took all that waited
for it works again. No other fault goes away as soon."""
POLL_S: Final = 0.05
"""Time between two checks of a rest."""


def record_refusal(state: State, book: QueuedLedger, error: Refused) -> None:
    """Have a refusal written into the ledger by its name, and signed; wait for no disk."""
    write = partial(_write, state, book.ledger, error, Moment.now())
    book.writer.submit(write, regardless=True)


def stay_dark(
    error: Refused,
    rest_s: float,
    writer: DiskWriter,
    running: Callable[[], bool],
    supervisor: Supervisor,
) -> None:
    """Stay dark for `rest_s` at most, and until the disk has taken what waits for it."""
    error.with_traceback(None)  # It keeps the calls that it came through, with a face in hand.
    until_s = time.monotonic() + min(rest_s, LONGEST_REST_S.get(type(error), rest_s))
    while (time.monotonic() < until_s or writer.pending) and running():
        supervisor.alive(f"dark: {error}")
        time.sleep(POLL_S)
    waited = isinstance(error, DiskStalled)
    with suppress(DiskStalled):  # The error that ended the run says more.
        writer.flush(within_s=0.0 if waited else END_S)


def _write(state: State, ledger: Ledger, error: Refused, at: Moment) -> None:
    if isinstance(error, OutboxFull):
        waiting = len(WaitingEvents(state.outbox).names())
        ledger.append(Happening.OUTBOX_FULL, {"waiting": waiting}, at)
    else:
        kind = LampDark if isinstance(error, LampDark) else type(error)
        what = {"name": str(error.path)} if isinstance(error, ForeignFile) else {}
        ledger.append(Happening.FAULT, {"code": kind.__name__} | what, at)
    ledger.sign()
