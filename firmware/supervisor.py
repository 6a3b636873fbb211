"""What the supervisor is told: that a program is ready, that it did work, and how it goes.

systemd's own protocol: datagrams to the socket that it names (sd_notify(3)). A program says `alive`
only where work was really done: a frame looked at under a lease, the sense line read, a turn of the
network. A thread that says so by itself would hide a loop that hangs; there is none. Without a
supervisor nothing is said, and nothing else changes.
"""

import os
import socket
import time
from dataclasses import dataclass
from typing import Final

BEAT_S: Final = 0.5
"""A program says that it is alive at most this often: a tenth of the shortest watchdog."""


@dataclass(slots=True)
class Supervisor:
    """The one that restarts this program when it falls silent."""

    line: socket.socket | None = None
    """A connected datagram socket, or None when nobody supervises."""
    _said_s: float = 0.0

    def ready(self) -> None:
        """The program has started."""
        self._say("READY=1")

    def alive(self, status: str = "") -> None:
        """Some work was done; `status` is one line for people, shown by `systemctl status`."""
        now_s = time.monotonic()
        if now_s - self._said_s >= BEAT_S:
            self._said_s = now_s
            self._say(f"WATCHDOG=1\nSTATUS={status}" if status else "WATCHDOG=1")

    def _say(self, words: str) -> None:
        if self.line is None:
            return
        try:
            self.line.send(words.encode())
        except OSError:
            return  # A supervisor that does not listen restarts what it does not hear.


def supervisor() -> Supervisor:
    """Return the supervisor that started this program.

    The one environment variable that is ever read: it says whom to tell, and changes nothing else.
    """
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if not address:
        return Supervisor()
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        line.connect("\0" + address[1:] if address.startswith("@") else address)
    except OSError:
        line.close()
        return Supervisor()
    line.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
    return Supervisor(line)
