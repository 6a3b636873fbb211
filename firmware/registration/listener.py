"""The program `register`: listen on the cable while this camera is new, and end once it is not.

It listens on the named links only, and serves link-local addresses only, so that no other network
reaches it. One laptop is served at a time, for a bounded time. The lamp's lines are opened here,
under the guard's lock: `lampguard` cannot run meanwhile, and no face is looked at by a new camera.
After the last message no socket is left. A link that appears later is taken up.
"""

import logging
import os
import select
import socket
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final

from firmware.config import Config
from firmware.folder import Folder
from firmware.guard.blinks import blink
from firmware.hardware.pins import Pins
from firmware.program_lock import only_one
from firmware.registration.board import read_board
from firmware.registration.session import Session
from firmware.supervisor import Supervisor
from formats.errors import FormatError
from formats.ledger import Program
from formats.registration_cable import (
    LINK_LOCAL,
    PORT,
    WHO,
    WHO_LIMIT,
    CableStream,
    read_frame,
    write_frame,
    write_here,
)

LINKS: Final = ("usb0", "end0", "eth0")
"""The gadget's link to a laptop, and the wired link under both of its names."""
SILENT_S: Final = 15.0
"""A laptop whose next message is not whole after so long is hung up on."""
MESSAGES: Final = 64
"""Most messages of one connection."""
LOOK_S: Final = 1.0
"""How often links and the fail-safe are looked at."""

_NAMES: Final = 1000
"""Most files in the folder of a new camera's program."""

log = logging.getLogger(__name__)


def run(
    config: Config,
    links: Sequence[str],
    open_pins: Callable[[], AbstractContextManager[Pins]],
    running: Callable[[], bool],
    supervisor: Supervisor,
) -> None:
    """Register this camera over one of its links; return once it is registered, or told to stop.

    Raises:
        AlreadyRunning: the guard runs, so this camera is registered, or is being registered.
        IdentityRefused: a key is broken.
    """
    with only_one(config.state.lampguard, Program.LAMPGUARD), open_pins() as pins:
        supervisor.ready()
        there = [name for _, name in socket.if_nameindex() if name in links]
        board = read_board(config.models, there[0] if there else "")
        root = config.trusted_root.read_bytes()
        session = Session(config.state, board, root, partial(blink, pins))
        listening: dict[str, Link] = {}
        try:
            while running() and not session.ended:
                _take_up(listening, links)
                serve(session, tuple(listening.values()))
                supervisor.alive("new: waiting for a laptop")
        finally:
            for link in listening.values():
                link.close()
        for folder in (config.state.lampguard, config.state.watch, config.state.courier):
            give_to_owner(folder)


class Link:
    """The two sockets on one link: TCP for the registration, UDP for the question who is there."""

    def __init__(self, name: str, door: socket.socket, bell: socket.socket) -> None:
        self.name, self.door, self.bell = name, door, bell

    @property
    def is_there(self) -> bool:
        """Whether the link still exists."""
        return any(name == self.name for _, name in socket.if_nameindex())

    def close(self) -> None:
        """Close both sockets."""
        self.door.close()
        self.bell.close()


def give_to_owner(path: Path) -> None:
    """Give what root made in a program's folder to the program, which the folder belongs to."""
    with Folder(path) as folder:
        owner = os.fstat(folder.descriptor)
        _give(folder, owner.st_uid, owner.st_gid)


def _give(folder: Folder, user: int, group: int) -> None:
    """Give what belongs to root in a folder, and in the folders below, which are given last.

    While a folder is root's, no program can put a link into it.
    """
    for name in folder.names(limit=_NAMES):
        found = folder.status(name)
        if found is None or found.st_uid != os.getuid():
            continue
        if stat.S_ISDIR(found.st_mode):
            with folder.folder(name) as below:
                _give(below, user, group)
        os.chown(name, user, group, dir_fd=folder.descriptor, follow_symlinks=False)


def serve(session: Session, links: Sequence[Link]) -> None:
    """Wait a second for a laptop on any link, and serve it; check the fail-safe."""
    session.forget_if_late()
    doors = [each for link in links for each in (link.door, link.bell)]
    if not doors:
        time.sleep(LOOK_S)
        return
    ready, _, _ = select.select(doors, [], [], LOOK_S)
    for link in links:
        if link.bell in ready:
            _say_who(session, link.bell)
        if link.door in ready and not session.ended:
            with suppress(OSError, FormatError), ExitStack() as opened:
                line, (host, *_) = link.door.accept()
                opened.enter_context(line)
                if host.startswith(LINK_LOCAL):
                    _serve_one(session, line)


def _take_up(listening: dict[str, Link], names: Sequence[str]) -> None:
    """Close the sockets of links that are gone; listen on links that have come."""
    for name in names:
        if name in listening and not listening[name].is_there:
            listening.pop(name).close()
        found = None if name in listening else listen_on(name)
        if found is not None:
            listening[name] = found


def _serve_one(session: Session, line: socket.socket) -> None:
    for _ in range(MESSAGES):
        message = read_frame(CableStream(line, SILENT_S))
        if not message:
            return
        answer = session.answer(message)  # A code takes longer than a laptop may be silent.
        write_frame(CableStream(line, SILENT_S), answer)
        if session.ended:
            return


def _say_who(session: Session, bell: socket.socket) -> None:
    with suppress(OSError):
        asked, who = bell.recvfrom(WHO_LIMIT)
        if asked == WHO:
            bell.sendto(write_here(session.board.serial), who)


def listen_on(name: str) -> Link | None:
    """Return the sockets on a link; None if the link is not there yet."""
    with ExitStack() as opened:
        try:
            sockets = [
                opened.enter_context(socket.socket(socket.AF_INET6, kind))
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
            ]
            for each in sockets:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                each.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
                each.bind(("::", PORT))
            sockets[0].listen(1)
        except OSError as error:
            log.debug("%s: %s", name, error)
            return None
        opened.pop_all()
        return Link(name, *sockets)
