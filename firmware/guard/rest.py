"""How long the guard sleeps: until an edge of the sense line, a request, or the next deadline.

The guard reads the sense line every 10 ms, unless the line has shown that its edges arrive: then an
edge wakes the guard, and it reads every 50 ms besides (decision 0037). A level that changed without
an edge ends this until an edge comes again. A caller wakes the guard while the lamp is not lit for
a holder; the holder's beats are read when its lease is renewed. Callers wake the guard 200 times a
second at most.

Nothing is decided here about the lamp.
"""

import select
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from firmware.guard.interlock import TICK_S
from firmware.hardware.edges import Edges

LEAST_S: Final = 0.005
"""Shortest time between two rounds that callers asked for."""


@dataclass(slots=True)
class Rest:
    """Whether the edges of the sense line arrive, and the sleep until one does."""

    edges: Edges | None
    """None if the line has none: the guard then looks every 10 ms."""
    trusted: bool = False
    """Whether the last change of the level came with an edge."""
    _level: bool = False
    _unannounced: bool = False
    """Whether the level has changed and no edge has come yet."""

    def note(self, *, edge: bool, sensed: bool) -> None:
        """Take one reading of the line.

        Args:
            edge: whether an edge came since the reading before; asked before the level was read.
            sensed: the level.
        """
        changed = sensed is not self._level
        if edge:
            self.trusted = True
        elif self._unannounced:
            self.trusted = False
        self._unannounced = changed and not edge
        self._level = sensed

    def sleep(self, longest_s: float, callers: Iterable[socket.socket]) -> None:
        """Wait for an edge or a caller; at most `longest_s`, or 10 ms if edges do not count.

        Args:
            longest_s: until the next deadline.
            callers: sockets that wake the guard.
        """
        began_s, poll = time.monotonic(), select.poll()
        sockets = tuple(callers)
        for caller in sockets:
            poll.register(caller, select.POLLIN)
        if self.edges is not None:
            poll.register(self.edges.descriptor, select.POLLIN)
        limit_s = longest_s if self.trusted and not self._unannounced else TICK_S
        woken = {descriptor for descriptor, _ in poll.poll(1000 * limit_s)}
        by_edge = self.edges is not None and self.edges.descriptor in woken
        left_s = LEAST_S - (time.monotonic() - began_s)
        if woken and not by_edge and left_s > 0:
            time.sleep(left_s)
