"""Callers on the guard's socket: leases for the one holder, and blinking for the program `service`.

There is one holder at a time, over a local SOCK_SEQPACKET socket, and only from the user that the
command line names. One other user may ask that the lamp blinks, so that a person finds the camera:
that ends the light of a look first, and no lease is granted until the lamp has stopped to blink.
"""

import logging
import secrets
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from firmware.disk_writer import DiskWriter
from firmware.guard.interlock import Interlock, State
from firmware.guard.listener import CALLERS
from formats.errors import Malformed
from formats.lease import (
    RENEW_MS,
    Blinking,
    Grant,
    Reason,
    Refused,
    Request,
    decode_request,
    encode_answer,
)

PACKET_LIMIT: Final = 64
"""Longer than any request: a longer packet is cut and refused."""
DISK_STALLED: Final = "disk stalled"
"""The reason, in the ledger, of a light that ended because the disk did not take records."""

log = logging.getLogger(__name__)


class Users(NamedTuple):
    """Who may call the guard, as user ids."""

    holder: int
    """May ask for light: `watch`."""
    locator: int | None = None
    """May let the lamp blink: `service`. None: no user."""


@dataclass(slots=True)
class Leases:
    """The callers on the socket, the one holder among them, and its lease."""

    door: socket.socket
    interlock: Interlock
    users: Users
    callers: list[socket.socket] = field(default_factory=list)
    locator: socket.socket | None = None
    """The one caller of the locator's user; it takes no place of a holder's."""
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
        if self.locator is not None:
            self._read_locate(self.locator)
        if self.holder is not None:
            self._renew_lease(self.holder)

    def rest_s(self) -> float:
        """Return after how many seconds the next round is due."""
        if self.interlock.state is not State.ON:
            return self.interlock.rest_s()
        renewal_s = self.granted_s + RENEW_MS / 1000 - time.monotonic()
        return max(0.0, min(self.interlock.rest_s(), renewal_s))

    def waking(self) -> list[socket.socket]:
        """Return the sockets that must be answered at once: none while a lease is renewed."""
        if self.interlock.state is State.ON:
            return []
        return [self.door, *self.callers, *filter(None, [self.locator])]

    def close(self) -> None:
        """Close the socket and each connection."""
        for open_socket in (*self.callers, self.door):
            open_socket.close()
        self._forget_locator()

    def _accept_caller(self) -> None:
        try:
            caller, _ = self.door.accept()
        except BlockingIOError:
            return
        caller.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
        uid = _uid(caller)
        if uid == self.users.locator and self.locator is None:
            self.locator = caller
        elif uid == self.users.holder and len(self.callers) < CALLERS:
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
        elif request is Request.LOCATE:
            raise Malformed("The holder is not the user who may let the lamp blink.")
        elif caller is self.holder:
            self.holder = None
            self.interlock.stop("holder stopped")

    def _read_locate(self, caller: socket.socket) -> None:
        """Let the lamp blink, if this caller asks for it; answer once, and hang up."""
        try:
            asked = decode_request(caller.recv(PACKET_LIMIT)) is Request.LOCATE
        except BlockingIOError:
            return
        except (OSError, Malformed):
            asked = False
        if asked:
            blinks = not self.disk_stalled and self.interlock.locate()
            _send(caller, Blinking() if blinks else Refused(self._why_dark()))
        self._forget_locator()

    def _forget_locator(self) -> None:
        if self.locator is not None:
            self.locator.close()
        self.locator = None

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
        if self.interlock.locating:
            return Reason.LOCATING
        return Reason.FAULT if self.interlock.state is State.FAULT else Reason.NOT_READY

    def _forget(self, caller: socket.socket) -> None:
        self.callers.remove(caller)
        caller.close()
        if caller is self.holder:
            self.holder = None
            self.interlock.stop("holder gone")


def _send(caller: socket.socket, answer: Grant | Refused | Blinking) -> None:
    """Send an answer if it can be sent: a caller that does not read loses the lease."""
    try:
        caller.send(encode_answer(answer))
    except OSError:
        return


def _uid(caller: socket.socket) -> int:
    credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", credentials)
    return int(uid)
