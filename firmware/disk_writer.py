"""A write-behind queue: one thread does every write that may wait for the disk, in strict order.

The lamp guard and `watch` hand their ledger lines and sealed events over and go on at once. An
fsync can take seconds on a worn card, and a lease ends after 200 ms.

The disk holds the first writes of those that were handed over, in the same order, and each once. A
write that fails, a full queue, or a write that is not done after `STALLED_S` is an error in the
loop that handed it over, which then stops looking (`check`).

There is no retry here, and nothing is sealed here. The queue lies in memory, so only sealed bytes
and fields of the ledger may be handed over.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from firmware.errors import DiskStalled

STALLED_S: Final = 3.0
"""Longest time from handing a write over until it is on the disk. A sound card is busy for at most
0.5 s with one write (SD Physical Layer, 4.6.2.2); a sealed event is three of them, and a removal
six at most."""
QUEUE_LIMIT: Final = 64
"""Most writes that wait: 2 MB, if all of them are events of 33 kB."""
POLL_S: Final = 0.01
"""Time between two looks at the queue while a program waits for it."""
END_S: Final = 0.7
"""Longest wait for the disk when a program ends. It must end within 2 s of SIGTERM, of which a wait
for the first lease may take one (`firmware.hardware.lamp.LIGHT_UP_S`)."""
LEAVE_S: Final = 0.2
"""Longest wait for the thread when the queue is left."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One write that waits."""

    write: Callable[[], object]
    since_s: float
    """CLOCK_MONOTONIC when it was handed over."""
    regardless: bool
    """Whether it is written even if a write before it failed."""


class DiskWriter:
    """The queue and its thread. A context manager; leaving it waits for `LEAVE_S` at most."""

    def __init__(self, *, stalled_s: float = STALLED_S) -> None:
        self._stalled_s = stalled_s
        self._jobs: deque[_Job] = deque()
        self._failure: Exception | None = None
        self._closed = False
        self._changed = threading.Condition()
        # A daemon: a program must be able to end while its disk hangs.
        self._thread = threading.Thread(target=self._work, name="disk-writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(LEAVE_S)

    @property
    def pending(self) -> bool:
        """Whether a write is not on the disk yet."""
        return bool(self._jobs)

    @property
    def late_s(self) -> float:
        """How long the oldest write has waited; 0 when none waits."""
        with self._changed:
            return time.monotonic() - self._jobs[0].since_s if self._jobs else 0.0

    @property
    def stalled(self) -> bool:
        """Whether a write has waited for longer than it may."""
        return self.late_s > self._stalled_s

    def submit(self, write: Callable[[], object], *, regardless: bool = False) -> None:
        """Hand one write over; return at once.

        Args:
            write: is called in the thread, after all that was handed over before.
            regardless: do it even if a write before it fails; such a write is always taken.

        Raises:
            DiskStalled: the queue is full.
            Exception: an earlier write failed, and `check` has not said so yet.
        """
        with self._changed:  # At once: a write must not get behind one that fails in between.
            if not regardless:
                self.raise_failure()
                if len(self._jobs) >= QUEUE_LIMIT:
                    raise _stalled(self.late_s)
            self._jobs.append(_Job(write, time.monotonic(), regardless))
            self._changed.notify_all()

    def raise_failure(self) -> None:
        """Raise the error of a write that failed, once; what waited behind it is not written."""
        with self._changed:
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def check(self) -> None:
        """Refuse to go on when the disk does not take what is handed over.

        Raises:
            DiskStalled: a write has waited for longer than `STALLED_S`.
            Exception: a write failed.
        """
        self.raise_failure()
        late_s = self.late_s
        if late_s > self._stalled_s:
            raise _stalled(late_s)

    def flush(
        self, *, within_s: float | None = None, meanwhile: Callable[[], bool] = lambda: True
    ) -> bool:
        """Wait until everything that was handed over is on the disk; return whether it is.

        Args:
            within_s: longest wait; `STALLED_S` if there is none.
            meanwhile: called every 10 ms or so; returns False to end the wait.

        Raises:
            DiskStalled: it is not in time.
            Exception: a write failed.
        """
        began_s = time.monotonic()
        limit_s = self._stalled_s if within_s is None else within_s
        while self.pending:
            if not meanwhile():
                return False
            self.raise_failure()
            if (waited_s := time.monotonic() - began_s) > limit_s:
                raise _stalled(waited_s)
            with self._changed:
                self._changed.wait_for(lambda: not self._jobs, POLL_S)
        self.raise_failure()
        return True

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closed)
                if not self._jobs:
                    return
                job = self._jobs[0]
            failure = _attempt(job)
            del job  # An event is not kept until the next one comes.
            with self._changed:
                self._jobs.popleft()
                if failure is not None:
                    self._failure = self._failure or failure
                    self._jobs = deque(job for job in self._jobs if job.regardless)
                self._changed.notify_all()


def _attempt(job: _Job) -> Exception | None:
    try:
        job.write()
    except Exception as error:  # noqa: BLE001  # The loop raises it: see `raise_failure`.
        return error
    return None


def _stalled(for_s: float) -> DiskStalled:
    return DiskStalled(
        f"The disk has not taken a record for {for_s:.1f} s: recognition stops; check the card."
    )
