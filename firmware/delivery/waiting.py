"""The waiting events, read only: names, sealed bytes, terms, and the room that is left.

For the courier, which sends them, and for every program that counts them. Only `watch` writes the
outbox (`firmware/delivery/outbox.py`). What lies there is opened without following a link, as a
regular file, and no larger than an event can be.

Nothing here changes a file.
"""

import os
from pathlib import Path
from typing import Final, NamedTuple

from firmware.delivery import marks
from firmware.delivery.marks import Terms
from firmware.errors import ForeignFile, OutboxFull
from firmware.folder import Folder
from formats.envelope import Kind, Sealed, read, wire_size
from formats.errors import FormatError

LIMIT_BYTES: Final = 512 * 2**20
"""About 15,000 events of 33 kB."""
LARGEST: Final = wire_size(Kind.EVENT, Kind.EVENT.value.slots[-1])
"""Bytes of an event for as many reviewers as an envelope can have."""
FREE_BYTES: Final = 2**20
"""Kept free on the file system beside the next event, for ledgers and names."""
NAMES_LIMIT: Final = 2**16
"""Most names in one folder of the outbox: four times as many as fit by their bytes."""
PLACES: Final = ("part", "waiting", "leaving", "broken")
BLOCK_BYTES: Final = 512
"""The unit of `st_blocks`, stat(2)."""


class Room(NamedTuple):
    """The room of an outbox when it was measured."""

    events: int
    """How many more events fit."""
    waiting: int
    """How many wait for their receipts."""
    full: str
    """The message when no more fit."""


class Taken(NamedTuple):
    """What the files of an outbox take."""

    used: int
    """Bytes of all its files."""
    waiting: int
    """How many events wait for their receipts."""


class WaitingEvents:
    """The outbox of `watch`, as other programs see it."""

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path = path
        self._limit_bytes = limit_bytes

    def names(self) -> list[str]:
        """Return the names of the waiting events, oldest first; none before the outbox was made.

        Raises:
            ForeignFile: there are more than an outbox can hold, or there is no folder.
        """
        try:
            with Folder(self._path) as outbox, outbox.folder("waiting") as waiting:
                return waiting.names(limit=NAMES_LIMIT)
        except FileNotFoundError:
            return []

    def holds(self, name: str) -> bool:
        """Return whether an event waits.

        Raises:
            ForeignFile: there is no folder.
        """
        try:
            with Folder(self._path) as outbox, outbox.folder("waiting") as waiting:
                return waiting.status(name) is not None
        except FileNotFoundError:
            return False

    def changed_ns(self) -> int:
        """Return when the folder of waiting events was changed last, ns since 1970; 0 without one.

        Raises:
            ForeignFile: there is no folder.
        """
        try:
            with Folder(self._path) as outbox, outbox.folder("waiting") as waiting:
                return os.fstat(waiting.descriptor).st_mtime_ns
        except FileNotFoundError:
            return 0

    def read_sealed(self, name: str) -> Sealed:
        """Return one waiting event.

        Raises:
            FormatError: the file has changed on the disk.
            ForeignFile: it is a link, a FIFO, larger than an event, or of another kind.
            FileNotFoundError: `watch` has removed it.
        """
        with Folder(self._path) as outbox, outbox.folder("waiting") as waiting:
            blob = waiting.read(name, limit=LARGEST)
            try:
                return read(Kind.EVENT, blob)
            except FormatError:
                if waiting.status(name) is None:  # It was moved away and overwritten meanwhile.
                    raise FileNotFoundError(name) from None
                raise

    def terms(self) -> Terms | None:
        """Return the terms, or None before a list was verified or when they are broken."""
        try:
            with Folder(self._path) as outbox:
                return Terms.from_bytes(outbox.read("terms", limit=marks.LIMIT))
        except (FileNotFoundError, ForeignFile, FormatError):
            return None

    def room(self) -> Room:
        """Return how much room there is, while one more event fits.

        Raises:
            OutboxFull: the next event would not fit, into its share or onto the disk.
        """
        room = self.measure()
        if room.events < 1:
            raise OutboxFull(room.full)
        return room

    def measure(self) -> Room:
        """Return how much room there is, in its share and on the disk."""
        used, waiting = self.taken()
        with Folder(self._path) as outbox:
            disk = os.fstatvfs(outbox.descriptor)
        in_share = (self._limit_bytes - used) // LARGEST
        on_disk = (disk.f_bavail * disk.f_frsize - FREE_BYTES) // LARGEST
        full = "The disk is full: recognition stops until there is room."
        if in_share <= on_disk:
            full = (
                f"The outbox holds {used} of {self._limit_bytes} bytes: recognition stops until "
                "the estate's receipts come; check the network and the receiver."
            )
        return Room(max(0, min(in_share, on_disk)), waiting, full)

    def taken(self) -> Taken:
        """Return what the files take; reads the status of every one."""
        with Folder(self._path) as outbox:
            used = sum(_used(outbox, place) for place in PLACES)
        return Taken(used, len(self.names()))


def size_of(found: os.stat_result | None) -> int:
    """Return the bytes that a file takes, 0 without one; a sparse file takes few."""
    return min(found.st_size, found.st_blocks * BLOCK_BYTES) if found else 0


def _used(outbox: Folder, place: str) -> int:
    """Return the bytes that the files in one folder take."""
    with outbox.folder(place) as folder:
        return sum(size_of(folder.status(name)) for name in folder.names(limit=NAMES_LIMIT))
