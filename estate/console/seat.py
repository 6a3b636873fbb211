"""Idle lock of the console (screen lock): drops keys and events, and asks for the passphrase again.

A seat has a desk while a reviewer works at it. Without an action of the reviewer for the time that
the signed policy sets, and at the reviewer's wish, the desk is dropped: its keys, its opened events
and all that it knows of them. The passphrase of the key file opens a new one. Wrong passphrases
cost a growing pause, and after `TRIES` of them in a row the seat stays locked for good.

Python cannot overwrite a key that was in its memory; docs/threat-model.md says what that means.
Neither a lock nor an unlock leaves a trace outside this process.
"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from estate.console.desk import Desk
from estate.errors import SeatLocked, VerdictRefused
from formats.keyfile import KeyRefused

TRIES: Final = 10
"""Wrong passphrases in a row after which the console must be started again."""
LONGEST_PAUSE_S: Final = 60.0
"""The pause after a wrong passphrase: 1 s, doubled with each further one, up to this."""


def since_boot_s() -> float:
    """Return CLOCK_BOOTTIME: it goes on while the machine sleeps, so that a laptop wakes locked."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Seat:
    """One reviewer's place at the console: with a desk, or locked."""

    open_desk: Callable[[str], Desk] = field(repr=False)
    """Opens the reviewer's desk with a passphrase."""
    _desk: Desk | None = field(repr=False)
    clock: Callable[[], float] = since_boot_s
    _identity: bytes = field(init=False)
    _acted_s: float = field(init=False)
    _wrong: int = 0
    _next_try_s: float = 0.0
    _trying: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self._identity = self.desk_or_refuse().identity
        self._acted_s = self.clock()

    def desk_or_refuse(self) -> Desk:
        """Return the desk.

        Raises:
            SeatLocked: the seat is locked.
        """
        desk = self._desk
        if desk is None:
            raise SeatLocked("This console is locked: give the passphrase of your key file.")
        return desk

    @property
    def desk(self) -> Desk:
        """The desk, if the reviewer has acted within the time that the policy sets.

        Raises:
            SeatLocked: the seat is locked.
        """
        desk = self.desk_or_refuse()
        if self.clock() - self._acted_s >= desk.site.policy.idle_lock_s:
            del desk
            self.lock()
        return self.desk_or_refuse()

    @property
    def is_locked(self) -> bool:
        """Whether there is no desk; it is dropped now if the time is over."""
        try:
            return self.desk is None
        except SeatLocked:
            return True

    def touch(self) -> None:
        """Note that the reviewer has acted.

        Raises:
            SeatLocked: the seat is locked.
        """
        _ = self.desk
        self._acted_s = self.clock()

    def lock(self) -> None:
        """Drop the desk: its keys and its opened events."""
        self._desk = None
        gc.collect()  # What refers to itself would stay in memory until Python looks for it.

    def unlock(self, passphrase: str) -> None:
        """Open a new desk with the passphrase of the key file.

        Raises:
            SeatLocked: the passphrase is wrong, it is too early, or too many were wrong.
            Refused: the store or the site does not answer, or the reviewer was removed.
        """
        if not self._trying.acquire(blocking=False):
            raise SeatLocked("Another passphrase is being tried: wait a moment.")
        try:
            self._try(passphrase)
        finally:
            self._trying.release()

    def _try(self, passphrase: str) -> None:
        if self._wrong >= TRIES:
            raise SeatLocked(
                f"{TRIES} passphrases in a row were wrong: stop this console and start it again."
            )
        pause_s = self._next_try_s - self.clock()
        if pause_s > 0:
            raise SeatLocked(f"Wait {int(pause_s) + 1} s, then try again.")
        try:
            desk = self.open_desk(passphrase)
        except KeyRefused:  # Its message would name the key's holder, and so would the next one's.
            desk = None
        except VerdictRefused:
            raise SeatLocked(
                "The site does not name the keys of this console any more: stop it."
            ) from None
        if desk is None or desk.identity != self._identity:
            self._wrong += 1
            pause_s = min(2.0 ** (self._wrong - 1), LONGEST_PAUSE_S)
            self._next_try_s = self.clock() + pause_s
            raise SeatLocked("The passphrase does not open your key file: try again.")
        self._wrong, self._acted_s, self._desk = 0, self.clock(), desk
