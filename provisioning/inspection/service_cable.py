"""Ask one registered camera over its USB cable: wait until it calls, and send a signed request.

The camera calls and connects; this laptop answers the call of the camera that the installer named,
and of no other. What comes back is bounded in size and time and is a help, not evidence: nothing
signs it. Which link the camera hangs on does not matter, unless links are named.
"""

import select
import socket
import time
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from formats.errors import FormatError, Malformed
from formats.registration_cable import (
    LINK_LOCAL,
    CableStream,
    Connection,
    raise_refusal,
    read_frame,
    write_frame,
)
from formats.service_cable import (
    CALL_LIMIT,
    HERE,
    LOCATED,
    PORT,
    Act,
    read_call,
    read_service_hello,
    write_service_request,
)
from formats.signer import Ed25519Signer
from provisioning.errors import CameraRefused

CALL_S: Final = 30.0
"""How long a camera's call is waited for: it calls every two seconds while the cable is in."""
HELLO_S: Final = 15.0
REPORT_S: Final = 60.0
"""Longest wait for an answer: a camera takes 45 s at most for its report."""
LEAST_DIGITS: Final = 8
"""Hexadecimal digits that name a camera here: two cameras of a site share none so long."""
_QUEUE: Final = 8
_DIGITS: Final = frozenset("0123456789abcdef")


@dataclass(slots=True)
class ServiceCable:
    """The cables of this laptop, and the camera that is waited for."""

    camera: str
    """The first digits of its id."""
    key: Ed25519Signer
    """Of the installer who registered it."""
    links: Collection[str] = ()
    """Names of the links on which calls count; none: every link."""
    within_s: float = CALL_S
    _indexes: frozenset[int] = field(default=frozenset(), init=False)
    _answered: set[str] = field(default_factory=set, init=False)
    """Addresses of cameras whose call was answered."""
    _trouble: str = field(default="it did not call", init=False)

    def __post_init__(self) -> None:
        self.camera = self.camera.lower()
        if len(self.camera) < LEAST_DIGITS or not set(self.camera) <= _DIGITS:
            raise CameraRefused(
                f"{self.camera!r} names no camera: type the {LEAST_DIGITS} first digits of its "
                "number, as on its label."
            )
        there = {name: index for index, name in socket.if_nameindex()}
        missing = sorted(set(self.links) - set(there))
        if missing:
            raise CameraRefused(f"This laptop has no network link {missing[0]}: see ip link.")
        self._indexes = frozenset(there[name] for name in self.links)

    def report(self) -> bytes:
        """Return what the camera's doctor prints, not judged.

        Raises:
            CameraRefused: the camera does not call, or the line fails each time.
            RefusedByCamera: it refuses, with its own sentence.
        """
        return self._ask(Act.REPORT)

    def locate(self) -> None:
        """Let the camera blink.

        Raises:
            CameraRefused: the camera does not call, or the line fails each time.
            RefusedByCamera: it refuses, with its own sentence.
        """
        if self._ask(Act.LOCATE) != LOCATED:
            raise CameraRefused("The camera did not say that it blinks: ask again.")

    def _ask(self, act: Act) -> bytes:
        until_s = time.monotonic() + self.within_s
        with ExitStack() as opened:
            door = opened.enter_context(_bound(socket.SOCK_STREAM))
            bell = opened.enter_context(_bound(socket.SOCK_DGRAM))
            door.listen(_QUEUE)
            while (left_s := until_s - time.monotonic()) > 0:
                ready, _, _ = select.select([door, bell], [], [], left_s)
                if bell in ready:
                    self._answer_call(bell)
                answer = self._take(door, act) if door in ready else b""
                if answer:
                    return answer
        raise CameraRefused(
            f"Camera {self.camera} gave no answer within {self.within_s:.0f} s ({self._trouble}): "
            "check that the cable is in the camera's USB socket, that this laptop registered it, "
            f"and that no firewall of the laptop closes port {PORT}."
        )

    def _answer_call(self, bell: socket.socket) -> None:
        try:
            call, who = bell.recvfrom(CALL_LIMIT)
            if self._counts(who) and read_call(call).hex().startswith(self.camera):
                self._answered.add(_address(who))
                bell.sendto(HERE, who)
        except (OSError, FormatError):
            return  # It calls again.

    def _take(self, door: socket.socket, act: Act) -> bytes:
        """Return the answer of the camera that has connected; empty if it is another, or fails."""
        try:
            line, who = door.accept()
        except OSError:
            return b""
        with line:
            if not (self._counts(who) and _address(who) in self._answered):
                return b""
            try:
                answer = self._converse(line, act)
            except (OSError, FormatError) as error:
                self._trouble = str(error)
                return b""
        raise_refusal(answer)
        return answer

    def _converse(self, line: Connection, act: Act) -> bytes:
        hello = read_service_hello(read_frame(CableStream(line, HELLO_S)))
        if not hello.camera.hex().startswith(self.camera):
            raise Malformed("another camera answered than the one that called")
        request = write_service_request(act, hello, self.key)
        write_frame(CableStream(line, HELLO_S), request)
        answer = read_frame(CableStream(line, REPORT_S))
        if not answer:
            raise Malformed("the camera hung up")
        return answer

    def _counts(self, who: tuple[str, int, int, int]) -> bool:
        """Return whether a peer is on a cable that was named, if any was."""
        host, _, _, scope = who
        return host.startswith(LINK_LOCAL) and (not self._indexes or scope in self._indexes)


def _address(who: tuple[str, int, int, int]) -> str:
    host, _, _, scope = who
    return f"{host.partition('%')[0]}%{scope}"


def _bound(kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET6, kind)
    try:
        if kind is socket.SOCK_STREAM:  # Else a second check would share the first one's calls.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("::", PORT))
    except OSError as error:
        made.close()
        raise CameraRefused(
            f"Port {PORT} of this laptop is taken ({error.strerror}): end the other check first."
        ) from error
    return made
