"""The folder `receipts/`: estate receipts that the courier hands over to `watch`, one per event.

The courier writes here and `watch` reads. A file has the name of its event in the outbox, and holds
what `formats.receipt.hand_over` returns. The courier removes it when the event is gone from the
outbox.

A full disk must not keep receipts from `watch`, which makes room by them: one file is kept in
reserve, and a receipt is written into its place.

Nothing is verified here: `watch` does that when it removes the event.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from firmware.delivery.waiting import NAMES_LIMIT
from firmware.folder import MODE, NO_ROOM, Folder
from formats.receipt import HANDED_OVER_LIMIT

RESERVE: Final = ".reserve"
RESERVE_BYTES: Final = 4096
"""One block of a file system: enough for a receipt with 24 slots. The courier's has one slot."""
FOLDER_MODE: Final = 0o750


class Receipts:
    """The folder of receipts that were handed over."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Return the names of the receipts, which are their events' names; none without a folder.

        Raises:
            ForeignFile: there are more than events fit into an outbox, or there is no folder.
        """
        try:
            with Folder(self._path) as folder:
                names = folder.names(limit=NAMES_LIMIT)
        except FileNotFoundError:
            return []
        return [name for name in names if not name.startswith(".")]

    def read(self, name: str) -> bytes:
        """Return one receipt as it was handed over, unverified.

        Raises:
            ForeignFile: it is a link, a FIFO, larger than a receipt, or of another kind.
            FileNotFoundError: the courier has removed it.
        """
        with Folder(self._path) as folder:
            return folder.read(name, limit=HANDED_OVER_LIMIT)

    def put(self, name: str, content: bytes) -> None:
        """Hand one receipt over; it is on disk when this returns.

        Raises:
            OSError: the disk is full, and what was in reserve is used already.
        """
        with Folder.made(self._path, FOLDER_MODE) as folder:
            try:
                folder.replace(name, content)
            except OSError as error:
                if error.errno not in NO_ROOM or folder.status(RESERVE) is None:
                    raise
                _write_in_reserve(folder, name, content)
            else:
                _keep_reserve(folder)

    def reserve(self) -> None:
        """Make the folder, and keep one file in reserve for a full disk."""
        with Folder.made(self._path, FOLDER_MODE) as folder:
            _keep_reserve(folder)

    def remove(self, name: str) -> None:
        """Remove one receipt."""
        with Folder(self._path) as folder:
            folder.remove(name)


def _write_in_reserve(folder: Folder, name: str, content: bytes) -> None:
    """Write into blocks that the disk has already given, and rename."""
    folder.remove(f".{name}.part")
    with folder.open(RESERVE, limit=RESERVE_BYTES, writable=True) as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    folder.rename(RESERVE, folder, name)


def _keep_reserve(folder: Folder) -> None:
    if folder.status(RESERVE) is None:
        try:
            folder.write(RESERVE, bytes(RESERVE_BYTES), mode=MODE)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            with suppress(OSError):
                folder.remove(RESERVE)
