"""The program `service`: call the laptop on this camera's USB socket, and answer its one request.

A socket is open only while the link has a carrier, so a person has plugged a laptop in. It is bound
to that link, takes link-local addresses alone, and never listens: the camera calls, and connects to
the laptop that answers. The laptop proves itself with the key that signed this camera's
registration, over a nonce of this connection. One request is answered for each connection. Each
wait, message and answer is bounded. The wire to the site is never used.
"""

import fcntl
import logging
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Final

from nacl.signing import VerifyKey

from firmware.config import Config
from firmware.registration.kept import check_registration
from firmware.service.acts import REPORT_SOCKET, fetch_report, let_it_blink
from firmware.supervisor import Supervisor
from formats.errors import FormatError, Refused
from formats.registration_cable import (
    EVERYBODY,
    LINK_LOCAL,
    CableStream,
    Connection,
    read_frame,
    write_frame,
    write_refusal,
)
from formats.registration_request import NONCE_BYTES
from formats.service_cable import (
    CALL_LIMIT,
    HERE,
    LINK,
    LOCATED,
    PORT,
    Act,
    ServiceHello,
    read_service_request,
    write_call,
    write_service_hello,
)

REST_S: Final = 2.0
"""From one call, or look at the link, to the next."""
ANSWERED_S: Final = 1.0
"""How long a laptop's answer to a call is waited for."""
SILENT_S: Final = 15.0
"""A laptop that does not connect, or whose message is not whole after so long, is hung up on."""
_IS_RUNNING: Final = 0x40
"""IFF_RUNNING of netdevice(7): the link has a carrier."""
_GET_FLAGS: Final = 0x8913
"""SIOCGIFFLAGS."""
_LINK_REQUEST: Final = struct.Struct("16sH22x")
"""struct ifreq: the link's name and its flags."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What a camera does for the installer who registered it."""

    camera: bytes
    """(16,) `sender_id`."""
    installer: VerifyKey
    """Signed the camera's registration."""
    lamp_socket: Path
    report_socket: Path

    def converse(self, line: Connection) -> None:
        """Say hello and answer one request; a refusal is an answer.

        Raises:
            OSError, FormatError: the line is gone, silent for too long, or sends no frame.
        """
        hello = ServiceHello(self.camera, token_bytes(NONCE_BYTES))
        write_frame(CableStream(line, SILENT_S), write_service_hello(hello))
        message = read_frame(CableStream(line, SILENT_S))
        if message:
            write_frame(CableStream(line, SILENT_S), self._answer(message, hello))

    def _answer(self, message: bytes, hello: ServiceHello) -> bytes:
        try:
            if read_service_request(message, hello, self.installer) is Act.REPORT:
                return fetch_report(self.report_socket)
            let_it_blink(self.lamp_socket)
        except Refused as error:
            return write_refusal(error)
        return LOCATED


def run(
    config: Config,
    running: Callable[[], bool],
    supervisor: Supervisor,
    *,
    link: str = LINK,
    report_socket: Path = REPORT_SOCKET,
) -> None:
    """Call on the link whenever it has a carrier, and serve the laptop that answers.

    Raises:
        NotRegistered, ForeignFile: this camera has no registration that holds.
    """
    found = check_registration(config.state)
    camera, installer = found.identity.camera_id, found.hello.installer
    service = Service(camera, installer, config.lamp_socket, report_socket)
    supervisor.ready()
    while running():
        plugged = has_carrier(link)
        if plugged:
            with suppress(OSError, FormatError):
                _serve(service, link)
        supervisor.alive("a laptop may be plugged in" if plugged else "no cable")
        time.sleep(REST_S)


def has_carrier(link: str) -> bool:
    """Return whether a laptop is plugged into the link; a link that is not there has none."""
    asked = _LINK_REQUEST.pack(link.encode(), 0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as any_socket:
        try:
            _name, flags = _LINK_REQUEST.unpack(fcntl.ioctl(any_socket, _GET_FLAGS, asked))
        except OSError:
            return False
    return bool(flags & _IS_RUNNING)


def _serve(service: Service, link: str) -> None:
    """Call once, and converse with the laptop that answers."""
    laptop = _call(service.camera, link)
    if laptop is None:
        return
    with _on_link(link, socket.SOCK_STREAM) as line:
        line.settimeout(SILENT_S)
        line.connect((laptop, PORT, 0, socket.if_nametoindex(link)))
        service.converse(line)


def _call(camera: bytes, link: str) -> str | None:
    """Return the address of a laptop on this link that wants this camera."""
    with _on_link(link, socket.SOCK_DGRAM) as bell:
        bell.sendto(write_call(camera), (EVERYBODY, PORT, 0, socket.if_nametoindex(link)))
        until_s = time.monotonic() + ANSWERED_S
        while (left_s := until_s - time.monotonic()) > 0:
            bell.settimeout(left_s)
            answer, (host, *_) = bell.recvfrom(CALL_LIMIT)
            if answer == HERE and str(host).startswith(LINK_LOCAL):
                return str(host).partition("%")[0]
    return None


def _on_link(link: str, kind: socket.SocketKind) -> socket.socket:
    """Return a socket that reaches this link and no other."""
    made = socket.socket(socket.AF_INET6, kind)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
    except OSError:
        made.close()
        raise
    return made
