"""The program `lampguard`: drive and sense the lamp, grant leases to one holder, record changes.

There is one holder at a time, over a local SOCK_SEQPACKET socket, and only from the user that the
command line names. This program has no camera and no network. Its one key signs its ledger and
opens nothing. Every change of state goes to the ledger through a queue, so no lease waits for a
disk. While the disk has not taken a change for `disk_writer.STALLED_S`, no lease is granted and the
lamp goes out.
"""

import logging
import secrets
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from firmware.config import Config
from firmware.disk_writer import END_S, DiskWriter
from firmware.guard.interlock import RECOVERY_WINDOW_S, SELF_RECOVERY, Change, Interlock, State
from firmware.guard.listener import CALLERS, listen
from firmware.hardware.pins import Pins
from firmware.identity import ledger_signer
from firmware.program_lock import only_one
from firmware.record.ledger import Ledger
from firmware.record.queued_ledger import QueuedLedger
from firmware.supervisor import Supervisor
from formats import VERSION
from formats.errors import Malformed
from formats.lease import (
    RENEW_MS,
    Grant,
    Reason,
    Refused,
    Request,
    decode_request,
    encode_answer,
)
from formats.ledger import Happening, Program, Record

TICK_S: Final = 0.01
"""Sense is read and the state advanced this often: a dead lamp is seen within 10 ms."""
PACKET_LIMIT: Final = 64
"""Longer than any request: a longer packet is cut and refused."""
DISK_STALLED: Final = "disk stalled"
"""The reason, in the ledger, of a light that ended because the disk did not take records."""

log = logging.getLogger(__name__)


def run(
    config: Config,
    open_pins: Callable[[], AbstractContextManager[Pins]],
    holder_uid: int,
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
        _run(config, pins, holder_uid, running, supervisor)


def _run(
    config: Config,
    pins: Pins,
    holder_uid: int,
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
        guard(pins, door, book, holder_uid=holder_uid, running=go_on, interlock=interlock)
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
    holder_uid: int,
    running: Callable[[], bool],
    interlock: Interlock | None = None,
) -> None:
    """Drive the lamp and grant leases until `running` says no; leave the lamp dark.

    Args:
        pins: the lamp's two lines.
        door: from `listen`.
        book: takes every change of state.
        holder_uid: the only user who may ask for light.
        running: asked on every tick.
        interlock: as an earlier run left it; by default a new one.

    Raises:
        DiskStalled: too many changes wait for the disk.
        OSError: a change cannot be written.
    """
    changes: deque[Change] = deque()
    interlock = interlock or Interlock(time.monotonic(), on_change=changes.append)
    interlock.on_change = changes.append
    leases = _Leases(door, interlock, holder_uid)
    try:
        while running():
            sensed, seen = pins.senses_current(), pins.sees_light()
            interlock.tick(time.monotonic(), sensed=sensed, seen=seen)
            pins.drive(high=interlock.lamp)
            while changes:
                _record(book, changes.popleft(), leases.lease_id)
            leases.check_disk(book.writer)
            leases.serve()
            time.sleep(TICK_S)
    finally:
        pins.drive(high=False)
        leases.close()


def _record(book: QueuedLedger, change: Change, lease_id: bytes) -> None:
    moved = {"from": change.before, "to": change.after, "reason": change.reason}
    if change.after is State.ON:
        moved["lease_id"] = lease_id.hex()
    book.append(Happening.LAMP, moved)
    book.sign()


@dataclass(slots=True)
class _Leases:
    """The callers on the socket, the one holder among them, and its lease."""

    door: socket.socket
    interlock: Interlock
    holder_uid: int
    callers: list[socket.socket] = field(default_factory=list)
    holder: socket.socket | None = None
    lease_id: bytes = b""
    granted_s: float = 0.0
    disk_stalled: bool = False
    """Whether records have waited for the disk too long: no light is granted then."""

    def check_disk(self, writer: DiskWriter) -> None:
        """End the light while the disk takes no records.

        Raises:
            OSError: a record cannot be written.
        """
        writer.raise_failure()
        stalled = writer.stalled
        if stalled and not self.disk_stalled:
            log.warning(
                "The disk has not taken a record for %.1f s: no light is granted; check the card.",
                writer.late_s,
            )
        self.disk_stalled = stalled
        self.interlock.recorded = not stalled
        if stalled:
            self.interlock.stop(DISK_STALLED)

    def serve(self) -> None:
        """Accept new callers, answer all requests, renew or end the holder's lease."""
        self._accept_caller()
        for caller in tuple(self.callers):
            self._read_requests(caller)
        if self.holder is not None:
            self._renew_lease(self.holder)

    def close(self) -> None:
        for open_socket in (*self.callers, self.door):
            open_socket.close()

    def _accept_caller(self) -> None:
        try:
            caller, _ = self.door.accept()
        except BlockingIOError:
            return
        caller.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
        if _uid(caller) == self.holder_uid and len(self.callers) < CALLERS:
            self.callers.append(caller)
        else:
            caller.close()

    def _read_requests(self, caller: socket.socket) -> None:
        while caller in self.callers:
            try:
                packet = caller.recv(PACKET_LIMIT)
                self._answer(caller, decode_request(packet))
            except BlockingIOError:
                return
            except (OSError, Malformed):  # An empty packet is a closed connection.
                self._forget(caller)

    def _answer(self, caller: socket.socket, request: Request) -> None:
        if request is Request.ASK:
            self._begin_lease(caller)
        elif caller is self.holder and request is Request.BEAT:
            self.interlock.beat()
        elif caller is self.holder:
            self.holder = None
            self.interlock.stop("holder stopped")

    def _begin_lease(self, caller: socket.socket) -> None:
        if self.holder not in {None, caller}:
            _send(caller, Refused(Reason.BUSY))
        elif self.disk_stalled or not self.interlock.ask():
            _send(caller, Refused(self._why_dark()))
        elif self.holder is None:  # A holder that asks again keeps the lease in the ledger.
            self.holder, self.lease_id = caller, secrets.token_bytes(16)

    def _renew_lease(self, holder: socket.socket) -> None:
        deadline_s = self.interlock.deadline_s()
        if deadline_s is not None:
            if self.interlock.now_s - self.granted_s >= RENEW_MS / 1000:
                self.granted_s = self.interlock.now_s
                _send(holder, Grant(self.lease_id, int(deadline_s * 1e9)))
        elif self.interlock.state is not State.ARMING:
            self.holder = None
            _send(holder, Refused(self._why_dark()))

    def _why_dark(self) -> Reason:
        return Reason.FAULT if self.interlock.state is State.FAULT else Reason.NOT_READY

    def _forget(self, caller: socket.socket) -> None:
        self.callers.remove(caller)
        caller.close()
        if caller is self.holder:
            self.holder = None
            self.interlock.stop("holder gone")


def _send(caller: socket.socket, answer: Grant | Refused) -> None:
    """Send an answer if it can be sent: a caller that does not read loses the lease."""
    try:
        caller.send(encode_answer(answer))
    except OSError:
        return


def _uid(caller: socket.socket) -> int:
    credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", credentials)
    return int(uid)
