"""Edges of a GPIO line (interrupts), as a descriptor that is readable after one: an eventfd(2).

The library's own thread notes an edge; the program that waits for it polls the descriptor. How
many edges came and which way they went is not kept: the program reads the line itself.
"""

import os
import threading


class Edges:
    """Notes edges for one program that waits."""

    descriptor: int
    """Readable once an edge was noted, until it is taken."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._open = True
        self._lock = threading.Lock()

    def note(self) -> None:
        """Note an edge; any thread may call this, also after `close`."""
        with self._lock:
            if self._open:
                os.eventfd_write(self.descriptor, 1)

    def take(self) -> bool:
        """Return whether an edge was noted since the last call."""
        try:
            return os.eventfd_read(self.descriptor) > 0
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Close the descriptor."""
        with self._lock:
            self._open = False
            os.close(self.descriptor)
