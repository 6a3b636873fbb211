"""The watchdog's messages to systemd: the program is ready, is alive, and its status line.

sd_notify(3): datagrams to the socket that systemd names. A program says `alive` only where it did
real work: a frame looked at under a lease, the sense line read, a round of the network. No thread
says so by itself, because it would hide a loop that hangs. Without systemd nothing is sent, and
nothing else changes.
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
    """The line to the supervisor, which restarts this program when it falls silent."""

    line: socket.socket | None = None
    """A connected datagram socket, or None without a supervisor."""
    _sent_s: float = 0.0

    def ready(self) -> None:
        """Tell the supervisor that the program has started."""
        self._send("READY=1")

    def alive(self, status: str = "") -> None:
        """Tell the supervisor that work was done; `systemctl status` shows the line `status`."""
        now_s = time.monotonic()
        if now_s - self._sent_s >= BEAT_S:
            self._sent_s = now_s
            self._send(f"WATCHDOG=1\nSTATUS={status}" if status else "WATCHDOG=1")

    def _send(self, words: str) -> None:
        if self.line is None:
            return
        try:
            self.line.send(words.encode())
        except OSError:
            return  # A supervisor that gets no message restarts the program.


def supervisor() -> Supervisor:
    """Return the supervisor that started this program.

    NOTIFY_SOCKET is the one environment variable that is read: it names the supervisor's socket
    and changes nothing else.
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
