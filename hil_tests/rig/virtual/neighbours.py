"""AF_UNIX sockets of other services in the virtual camera: one service that listens, one search.

`--serve` is another service: it listens on sockets that each user may connect to, in `/run`, in
`/var/lib`, in `/dev/shm`, and on an abstract one. `--search FILE` runs before each of the camera's
programs, inside the sandbox of its unit. It tries to connect to those sockets, to those that a
Debian machine has, and to each further one that it finds, and writes the results to the file.
Sockets of the rig itself, in `/opt/rig`, are left out. It keeps no data that arrives.
"""

import argparse
import errno
import json
import os
import selectors
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SERVED: Final = ("/run/neighbour.sock", "/var/lib/neighbour.sock", "/dev/shm/neighbour.sock")  # noqa: S108  # Not temporary.
ABSTRACT: Final = "@neighbour"
KNOWN: Final = (
    "/run/dbus/system_bus_socket",
    "/run/systemd/private",
    "/run/systemd/journal/socket",
    "/run/systemd/journal/dev-log",
    "/run/systemd/userdb/io.systemd.DynamicUser",
    "/run/systemd/resolve/io.systemd.Resolve",
    "/run/avahi-daemon/socket",
    "/dev/log",
)
"""Sockets of other services on a usual Debian."""
UNSEARCHED: Final = {"/proc", "/sys", "/usr", "/opt"}
KINDS: Final = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)


def main() -> None:
    """Serve, or search."""
    parser = argparse.ArgumentParser(description=__doc__)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--serve", action="store_true")
    chosen.add_argument("--search", type=Path)
    arguments = parser.parse_args()
    if arguments.serve:
        _serve()
    else:
        results = {name: _connected(name) for name in (*SERVED, ABSTRACT, *KNOWN, *_found())}
        arguments.search.write_text(json.dumps(results), encoding="utf-8")


def _serve() -> None:
    """Accept every caller, for ever."""
    with selectors.DefaultSelector() as listening:
        for name in (*SERVED, ABSTRACT):
            door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            door.bind(_address(name))
            if name != ABSTRACT:
                Path(name).chmod(0o666)
            door.listen()
            listening.register(door, selectors.EVENT_READ)
        while True:
            for key, _ in listening.select():
                caller, _ = key.fileobj.accept()  # type: ignore[union-attr]  # All are sockets.
                caller.close()


def _found() -> Iterator[str]:
    """Yield the path of each socket in the file system that this process can see."""
    for folder, subfolders, files in os.walk("/"):
        subfolders[:] = [name for name in subfolders if str(Path(folder, name)) not in UNSEARCHED]
        for name in files:
            path = Path(folder, name)
            if _is_socket(path):
                yield str(path)


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False


def _connected(name: str) -> str:
    """Return "connected", or the name of the error that kept this process from connecting."""
    for kind in KINDS:
        with socket.socket(socket.AF_UNIX, kind) as line:
            try:
                line.connect(_address(name))
            except OSError as error:
                if error.errno == errno.EPROTOTYPE:  # The socket is of another kind.
                    continue
                return errno.errorcode.get(error.errno or 0, "?")
            return "connected"
    return "EPROTOTYPE"


def _address(name: str) -> str:
    return name.replace("@", "\0", 1)


if __name__ == "__main__":
    main()
