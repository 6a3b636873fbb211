"""Simulated GPIO lines of a Raspberry Pi: the part of pigpiod's protocol that gpiozero needs.

The lamp guard runs unmodified in its own process and drives real gpiozero devices. The wires and
the lamp between the lines are here: the rig breaks them, and reads when there was light and
current. A request is four little-endian u32 (command, two parameters, length of what follows). The
answer repeats the first three and ends with the result. A program that asks for it is told of each
edge.
"""

import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from firmware.hardware.pins import LED_GPIO, LIGHT_GPIO, SENSE_GPIO
from hil_tests.rig.contract import Edge, LampDefect

BOARD: Final = 0xA03111
"""Revision of a Raspberry Pi 4B."""
VERSION: Final = 79
"""The last version of pigpiod."""
UNKNOWN: Final = 0xFFFFFFFF & -88
"""pigpiod's answer to a command it does not know."""

SET_MODE, GET_MODE, SET_PULL, READ, WRITE = range(5)
READ_BANK, TICK, HARDWARE, NOTIFY_BEGIN, NOTIFY_END = 10, 16, 17, 19, 21
NOTICE: Final = struct.Struct("<HHII")
"""Number, flags, tick and levels of all lines: what pigpiod sends when a watched line changes."""
GET_VERSION, SET_FILTER, NOTIFY_OPEN = 26, 97, 99


@dataclass(slots=True)
class Watched:
    """A program that is told of edges."""

    send: Callable[[bytes], object]
    levels: int
    """Of all lines, when it was told last."""
    lines: int = 0
    """Of which it wants to know, as bits."""
    told: int = 0

    def tell(self, levels: int) -> None:
        """Send a notice if one of its lines has changed; a program that is gone gets no more."""
        changed, self.levels = (levels ^ self.levels) & self.lines, levels
        if not changed:
            return
        try:
            self.send(NOTICE.pack(self.told & 0xFFFF, 0, _tick(), levels))
        except OSError:
            self.lines = 0
        self.told += 1


@dataclass(slots=True)
class Board:
    """The GPIO lines, the lamp between two of them, and its defect."""

    defect: LampDefect | None = None
    edges: list[Edge] = field(default_factory=list)
    """Each change of sensed current since the start."""
    shone: list[Edge] = field(default_factory=list)
    """Each change of the lamp's light since the start."""
    _driven: bool = False
    _watched: list[Watched] = field(default_factory=list)
    _modes: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set_defect(self, defect: LampDefect | None) -> None:
        """Break the lamp in one way, or repair it."""
        with self._lock:
            self.defect = defect
            self._note()

    def cut_power(self) -> None:
        """Drive no line, as a board without power."""
        with self._lock:
            self._driven = False
            self._note()

    def execute(
        self, command: int, line: int, value: int, send: Callable[[bytes], object] | None = None
    ) -> int:
        """Carry out one request; return pigpiod's result.

        Args:
            command: of pigpiod.
            line: its first parameter.
            value: its second parameter.
            send: sends bytes to the program that asks, should it ask to be told of edges.
        """
        with self._lock:
            if command == SET_MODE:
                self._modes[line] = value
            elif command == NOTIFY_OPEN and send is not None:
                self._watched.append(Watched(send, self._levels))
                return len(self._watched)
            elif command in {NOTIFY_BEGIN, NOTIFY_END} and 0 < line <= len(self._watched):
                self._watched[line - 1].lines = value if command == NOTIFY_BEGIN else 0
            elif command == WRITE and line == LED_GPIO:
                self._driven = bool(value)
                self._note()
            return self._result(command, line)

    def _result(self, command: int, line: int) -> int:
        levels = self._levels
        results = {
            SET_MODE: 0,
            GET_MODE: self._modes.get(line, 0),
            SET_PULL: 0,
            READ: levels >> line & 1,
            WRITE: 0,
            READ_BANK: levels,
            TICK: _tick(),
            HARDWARE: BOARD,
            NOTIFY_BEGIN: 0,
            NOTIFY_END: 0,
            GET_VERSION: VERSION,
            SET_FILTER: 0,
        }
        return results.get(command, UNKNOWN)

    @property
    def _levels(self) -> int:
        seen = self._shines and self.defect is not LampDefect.COVERED
        return self._driven << LED_GPIO | self._sensed << SENSE_GPIO | seen << LIGHT_GPIO

    @property
    def _shines(self) -> bool:
        return self.defect is LampDefect.STUCK_ON or (
            self._driven and self.defect is not LampDefect.OPEN_CIRCUIT
        )

    @property
    def _sensed(self) -> bool:
        return self.defect is LampDefect.SENSE_STUCK_HIGH or self._shines

    def _note(self) -> None:
        for edges, high in ((self.edges, self._sensed), (self.shone, self._shines)):
            if not edges or edges[-1].high is not high:
                edges.append(Edge(time.monotonic_ns(), high))
        for each in self._watched:
            each.tell(self._levels)

    def lit_ns(self, start_ns: int, end_ns: int) -> int:
        """Return how much of a stretch of time current was sensed, in nanoseconds."""
        lit = 0
        with self._lock:
            edges = [*self.edges, Edge(end_ns, high=False)]
        for edge, following in pairwise(edges):
            if edge.high:
                lit += max(0, min(following.at_ns, end_ns) - max(edge.at_ns, start_ns))
        return lit


def _tick() -> int:
    return time.monotonic_ns() // 1000 & 0xFFFFFFFF


SWITCH_S: Final = 0.0005
"""A thread of the rig waits so long for its turn (Python's own: 5 ms). A guard that waits for its
lines on a busy machine loses its lease."""


class PinServer:
    """Serves a board on a free port of the loopback address, or on a local socket.

    A context manager.
    """

    def __init__(self, board: Board, path: Path | None = None) -> None:
        """Open the port or the socket.

        Args:
            board: the lines.
            path: of the local socket; without one, a port.
        """
        self.board = board
        self.port = 0
        """Of the loopback address; 0 with a local socket."""
        self._server: _Server | _LocalServer
        if path is None:
            self._server = _Server(("127.0.0.1", 0), _Client)
            self.port = int(self._server.server_address[1])
        else:
            self._server = _LocalServer(str(path), _LocalClient)
            path.chmod(0o666)
        self._server.board = board

    def __enter__(self) -> Self:
        sys.setswitchinterval(SWITCH_S)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    board: Board


class _LocalServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    board: Board


class _LocalClient(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(ConnectionError):  # A killed guard closes no connection.
            self._serve()

    def _serve(self) -> None:
        while len(request := self.rfile.read(16)) == 16:
            command, line, value, following = struct.unpack("<4I", request)
            self.rfile.read(following)
            result = self.server.board.execute(command, line, value, self.wfile.write)
            self.wfile.write(struct.pack("<4I", command, line, value, result))


class _Client(_LocalClient):
    disable_nagle_algorithm = True
