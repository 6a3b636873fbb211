"""The inbox: write the site's published repository to disk as it arrived, unverified.

Files are written in order, each whole, the timestamp last; then files that the new repository does
not have are removed. A reader in between sees the old repository, or signatures refuse the mixture
and it reads again.
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware.errors import ForeignFile
from firmware.folder import Folder
from formats.site_bundle import LIMIT_BYTES

PARTS: Final = ("metadata", "targets")
"""The folders of a repository."""
READ_BY_ALL: Final = 0o644
"""`watch` reads it as another user; the folder above says which users may."""
NAMES: Final = LIMIT_BYTES // 16
"""Most files in one folder of the inbox: far more than a bundle has, because power cuts can leave
files of several."""
INSTALL_S: Final = 10.0
"""Time between two writes of a repository. A broker could send 2 MiB without end: with this bound
that is 18 GB a day, and a card of 32 GB lasts five years at 1,000 cycles."""


@dataclass(slots=True)
class Inbox:
    """The inbox of the courier, which writes the newest repository, and not too often."""

    path: Path
    _newest: Mapping[str, bytes] | None = None
    """What arrived and is not written yet."""
    _due_s: float = 0.0
    """CLOCK_MONOTONIC from which on the next repository is written."""

    def take(self, files: Mapping[str, bytes]) -> None:
        """Keep a repository to be written, in place of one that still waits."""
        self._newest = files

    def install_if_due(self) -> None:
        """Write the newest repository, if one waits and `INSTALL_S` are over.

        One that cannot be written is given up. Errors as of `install`.
        """
        if self._newest is None or time.monotonic() < self._due_s:
            return
        files, self._newest = self._newest, None
        self._due_s = time.monotonic() + INSTALL_S
        install(self.path, files)


def install(inbox: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a bundle into the inbox, unopened.

    Raises:
        ForeignFile: a folder is where a file belongs, or something else is where a folder belongs.
        OSError: the card cannot be written.
    """
    with ExitStack() as opened:
        repository = opened.enter_context(Folder.made(inbox, 0o755))
        parts = {name: opened.enter_context(repository.folder(name, mode=0o755)) for name in PARTS}
        for path, content in files.items():
            folder, _, name = path.partition("/")
            if not _has(parts[folder], name, content):
                parts[folder].replace(name, content, mode=READ_BY_ALL)
        for folder, part in parts.items():
            for name in part.names(limit=NAMES):
                if f"{folder}/{name}" not in files:
                    part.remove(name)


def _has(folder: Folder, name: str, content: bytes) -> bool:
    try:
        return folder.read(name, limit=LIMIT_BYTES) == content
    except (FileNotFoundError, ForeignFile):
        return False
