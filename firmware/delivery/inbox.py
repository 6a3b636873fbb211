"""The inbox: write the site's published repository to disk as it arrived, unverified.

Files are written in order, each whole, the timestamp last; then files that the new repository does
not have are removed. A reader in between sees the old repository, or signatures refuse the mixture
and it reads again.
"""

from collections.abc import Mapping
from contextlib import ExitStack
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
"""As many files as fit a bundle: each has 6 bytes of sizes, and a name of 10 or more."""


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
