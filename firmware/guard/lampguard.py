"""The program `lampguard`: drive and sense the lamp, grant leases to one holder, record changes.

This program has no camera and no network. Its one key signs its ledger and opens nothing. Every
change of state goes to the ledger through a queue, so no lease waits for a disk. While the disk has
not taken a change for `disk_writer.STALLED_S`, no lease is granted and the lamp goes out. Who may
call is in `firmware.guard.leases`.
"""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from firmware.config import Config
from firmware.disk_writer import END_S, DiskWriter
from firmware.guard.interlock import RECOVERY_WINDOW_S, SELF_RECOVERY, Change, Interlock, State
from firmware.guard.leases import Leases, Users
from firmware.guard.listener import listen
from firmware.guard.rest import Rest
from firmware.hardware.pins import Pins
from firmware.identity import ledger_signer
from firmware.program_lock import only_one
from firmware.record.ledger import Ledger
from firmware.record.queued_ledger import QueuedLedger
from firmware.supervisor import Supervisor
from formats import VERSION
from formats.ledger import Happening, Program, Record


def run(
    config: Config,
    open_pins: Callable[[], AbstractContextManager[Pins]],
    users: Users,
    running: Callable[[], bool],
    supervisor: Supervisor,
) -> None:
    """Open lines, socket and ledger, and drive the lamp until `running` says no.

    The lines are opened only under the lock: opening them switches the lamp off.

    Raises:
        AlreadyRunning: another guard has this state folder or this socket.
        DiskStalled: the disk did not take the last records in time; the lamp is dark.
    """
    with only_one(config.state.lampguard, Program.LAMPGUARD), open_pins() as pins:
        _run(config, pins, users, running, supervisor)


def _run(
    config: Config,
    pins: Pins,
    users: Users,
    running: Callable[[], bool],
    supervisor: Supervisor,
) -> None:
    ledger = Ledger(config.state.lampguard, Program.LAMPGUARD)
    ledger.sign_with(ledger_signer(config.state, Program.LAMPGUARD))
    now_s, utc_ms = time.monotonic(), time.time_ns() // 1_000_000
    interlock = resume_interlock(ledger.records(), now_s=now_s, utc_ms=utc_ms)
    door = listen(config.lamp_socket)
    supervisor.ready()

    def go_on() -> bool:
        supervisor.alive()  # The round before this question drove, sensed and served.
        return running()

    with DiskWriter() as writer:
        book = QueuedLedger(ledger, writer)
        book.append(Happening.START, {"version": VERSION})
        guard(pins, door, book, users=users, running=go_on, interlock=interlock)
        book.append(Happening.STOP, {"reason": "stopped"})
        book.sign()
        writer.flush(within_s=END_S)


def resume_interlock(records: Iterable[Record], *, now_s: float, utc_ms: int) -> Interlock:
    """Return the interlock as the last run left it, by the ledger.

    Self-recoveries of the last 24 hours still count. A guard that ended in FAULT without being told
    to stop was killed or lost its power: it is in FAULT again, which only an operator ends early.
    If the clock was set back, a recovery seems recent, which is the safe side.
    """
    recoveries: deque[float] = deque()
    latched = False
    for record in records:
        if record.event is Happening.STOP:
            latched = False
        elif record.event is Happening.LAMP:
            latched = record.body["to"] == State.FAULT
            age_s = max(0.0, (utc_ms - record.utc_ms) / 1000)
            if record.body["reason"] == SELF_RECOVERY and age_s < RECOVERY_WINDOW_S:
                recoveries.append(now_s - age_s)
    state = State.FAULT if latched else State.BOOT
    return Interlock(now_s, on_change=lambda _: None, state=state, recoveries=recoveries)


def guard(  # noqa: PLR0913  # The last is for a restarted guard.
    pins: Pins,
    door: socket.socket,
    book: QueuedLedger,
    *,
    users: Users,
    running: Callable[[], bool],
    interlock: Interlock | None = None,
) -> None:
    """Drive the lamp and grant leases until `running` says no; leave the lamp dark.

    Args:
        pins: the lamp's two lines.
        door: from `listen`.
        book: takes every change of state.
        users: who may ask for light, and who may let the lamp blink.
        running: asked on every round, every 50 ms at least.
        interlock: as an earlier run left it; by default a new one.

    Raises:
        DiskStalled: too many changes wait for the disk.
        OSError: a change cannot be written.
    """
    changes: deque[Change] = deque()
    interlock = interlock or Interlock(time.monotonic(), on_change=changes.append)
    interlock.on_change = changes.append
    leases, rest, driven = Leases(door, interlock, users), Rest(pins.edges), False
    pins.drive(high=driven)
    try:
        while running():
            edge = pins.edges is not None and pins.edges.take()
            sensed, seen = pins.senses_current(), pins.sees_light()
            rest.note(edge=edge, sensed=sensed)
            interlock.tick(time.monotonic(), sensed=sensed, seen=seen)
            if interlock.lamp is not driven or sensed is not driven:
                driven = interlock.lamp
                pins.drive(high=driven)
            while changes:
                _record(book, changes.popleft(), leases.lease_id)
            leases.check_disk(book.writer)
            leases.serve()
            rest.sleep(leases.rest_s(), leases.waking())
    finally:
        pins.drive(high=False)
        leases.close()


def _record(book: QueuedLedger, change: Change, lease_id: bytes) -> None:
    moved = {"from": change.before, "to": change.after, "reason": change.reason}
    if change.after is State.ON:
        moved["lease_id"] = lease_id.hex()
    book.append(Happening.LAMP, moved)
    book.sign()
