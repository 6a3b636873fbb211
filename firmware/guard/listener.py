"""The guard's socket: listen for holders, and refuse a second guard on the same socket.

A socket that a killed guard left is removed. A socket on which a guard listens stays, also while
that guard is frozen. Anything else in its place is refused and stays.
"""

import socket
import stat
from errno import ECONNREFUSED
from pathlib import Path
from typing import Final

from firmware.errors import AlreadyRunning, ForeignFile

CALLERS: Final = 4
"""Connections kept at once; the fifth is closed."""


def listen(path: Path) -> socket.socket:
    """Return the socket on which holders ask for leases, open to this user and its group.

    Raises:
        AlreadyRunning: another guard listens there.
        ForeignFile: there is something that is no socket.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door.bind(str(path))
    path.chmod(0o660)
    door.listen(CALLERS)
    door.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
    return door


def _remove_stale(path: Path) -> None:
    """Remove the socket that an earlier guard left; refuse that of a guard that listens."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ForeignFile(path, "of another kind", "a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.setblocking(False)  # noqa: FBT003  # A frozen guard with a full house must not block.
        if line.connect_ex(str(path)) == ECONNREFUSED:
            path.unlink()
            return
    raise AlreadyRunning(f"Another lamp guard listens at {path}: stop it first.")
