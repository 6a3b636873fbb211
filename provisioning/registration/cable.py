"""Find the cables of a bench, ask who hangs on each, and carry messages over one.

A cable is a network link with one camera at its other end. The link's place in the USB
tree (sysfs) is the camera's place on the bench. A link with two cameras is noticed because two
serial numbers answer; it is refused. One connection is kept while it works; a lost one is made
anew for the next message. Each wait is bounded.
"""

import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from formats.errors import FormatError
from formats.registration_cable import (
    EVERYBODY,
    LINK_LOCAL,
    PORT,
    WHO,
    WHO_LIMIT,
    CableStream,
    read_frame,
    read_here,
    write_frame,
)

LINKS: Final = Path("/sys/class/net")
ANSWER_S: Final = 60.0
"""Longest time until an answer is whole: a code of 80 blinks takes 41 s."""
WHO_S: Final = 0.5
"""How long answers to the question who is there are collected."""
_SERIALS_LIMIT: Final = 4
"""Most serial numbers that a link is asked for: two are too many already."""


class Cable(Protocol):
    """One place of the bench."""

    place: str

    def who(self) -> frozenset[str]:
        """Return the serial numbers of the cameras that answer now."""

    def ask(self, message: bytes) -> bytes:
        """Return the camera's answer; raise OSError if the line is gone."""

    def hang_up(self) -> None:
        """End the connection; the next message makes another."""


@dataclass(slots=True)
class LinkCable:
    """A cable that is a network link of this machine."""

    link: str
    place: str
    _address: str = field(default="", init=False)
    """Of the camera that answered last."""
    _line: socket.socket | None = field(default=None, init=False)

    def who(self) -> frozenset[str]:
        """Return the serial numbers of the cameras that answer now."""
        found: dict[str, str] = {}
        with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bell:
            bell.bind(("::", 0))
            bell.sendto(WHO, (EVERYBODY, PORT, 0, socket.if_nametoindex(self.link)))
            until_s = time.monotonic() + WHO_S
            while (left_s := until_s - time.monotonic()) > 0 and len(found) < _SERIALS_LIMIT:
                bell.settimeout(left_s)
                answer, (host, *_) = bell.recvfrom(WHO_LIMIT)
                with suppress(FormatError):
                    if host.startswith(LINK_LOCAL):
                        found[read_here(answer)] = host.partition("%")[0]
        address = next(iter(found.values()), "")
        if address != self._address:  # Another camera hangs here now.
            self.hang_up()
        self._address = address
        return frozenset(found)

    def ask(self, message: bytes) -> bytes:
        """Return the camera's answer.

        Raises:
            OSError: the line is gone, or silent for a minute.
            FormatError: what came is no frame.
        """
        if self._line is not None:
            with suppress(ConnectionError):  # The camera hangs up on a laptop that waits its turn.
                return self._ask(message)
        return self._ask(message)

    def _ask(self, message: bytes) -> bytes:
        try:
            if self._line is None:
                self._line = self._connect()
            stream = CableStream(self._line, ANSWER_S)
            write_frame(stream, message)
            answer = read_frame(stream)
        except (OSError, FormatError):
            self.hang_up()
            raise
        if not answer:
            self.hang_up()
            raise ConnectionResetError(0, "the camera hung up")
        return answer

    def _connect(self) -> socket.socket:
        with ExitStack() as opened:
            line = opened.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
            line.settimeout(ANSWER_S)
            line.connect((self._address, PORT, 0, socket.if_nametoindex(self.link)))
            opened.pop_all()
            return line

    def hang_up(self) -> None:
        """End the connection; the next message makes another."""
        if self._line is not None:
            self._line.close()
            self._line = None


def usb_cables(links: Path = LINKS) -> list[LinkCable]:
    """Return a cable for each network link that hangs on USB, named by its place there."""
    found = []
    for link in sorted(links.iterdir()):
        device = (link / "device").resolve()
        if "usb" in str(device):
            found.append(LinkCable(link.name, device.name.partition(":")[0]))
    return found


def named_cables(names: Iterable[str], links: Path = LINKS) -> list[LinkCable]:
    """Return a cable for each named link, such as one VLAN for each port of a switch."""
    return [LinkCable(name, name) for name in names if (links / name).exists()]
