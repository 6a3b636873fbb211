"""The outbox's folders: made for `watch`, opened together, and refused if another user can write.

No file in them is touched here.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from firmware.delivery.waiting import PLACES
from firmware.errors import FolderShared
from firmware.folder import Folder

FOLDER_MODE: Final = 0o750
WRITABLE_BY_OTHERS: Final = 0o022


class Places(NamedTuple):
    """The folders of the outbox, open."""

    root: Folder
    part: Folder
    waiting: Folder
    leaving: Folder
    broken: Folder


def make_places(path: Path) -> None:
    """Make the folders that are missing.

    Raises:
        FolderShared: another user can write in one of them.
        ForeignFile: something else is in the place of a folder.
    """
    with Folder.made(path, FOLDER_MODE) as root:
        for name in PLACES:
            root.folder(name, mode=FOLDER_MODE).close()
    with open_places(path) as at:
        for folder in at:
            _refuse_shared(folder)


@contextmanager
def open_places(path: Path) -> Iterator[Places]:
    """Open the folders for the time of the block."""
    with ExitStack() as opened:
        root = opened.enter_context(Folder(path))
        yield Places(root, *(opened.enter_context(root.folder(name)) for name in PLACES))


def _refuse_shared(folder: Folder) -> None:
    found = os.fstat(folder.descriptor)
    if found.st_uid != os.geteuid() or found.st_mode & WRITABLE_BY_OTHERS:
        raise FolderShared(
            f"{folder.path} can be written by another user: run `systemd-tmpfiles --create`, and "
            "find out what was changed there."
        )
