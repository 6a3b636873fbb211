"""The last accepted repository on disk: replaced atomically, verified anew before each use.

After a power cut the old or the new repository is there, whole. A refusal leaves the old one.
`firmware.trust.site_verifier` verifies it again before it is used.
"""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO, Final

from firmware.delivery import durable

_LINK: Final = "accepted"


def accepted_folder(metadata: Path) -> Path:
    """Return the path of the last accepted repository, once there is one."""
    return metadata / _LINK


def open_accepted(metadata: Path, name: str) -> BinaryIO:
    """Open a file of the last accepted repository, by its name in the published repository.

    Raises:
        FileNotFoundError: the accepted repository does not have it.
    """
    folder, _, file = name.rpartition("/")
    version, _, plain = file.partition(".")
    # TUF keeps trusted files without a version in the name, except the history of the root.
    kept = plain if version.isdecimal() and plain != "root.json" else file
    return (accepted_folder(metadata) / folder / kept).open("rb")


@contextmanager
def replace_accepted(metadata: Path) -> Generator[Path]:
    """Give a copy of the accepted repository; it replaces the old if the block raises no error.

    Raises:
        OSError: the folder cannot be written.
    """
    metadata.mkdir(mode=0o700, parents=True, exist_ok=True)
    current = accepted_folder(metadata)
    copy = Path(mkdtemp(dir=metadata))
    try:
        if current.exists():
            shutil.copytree(current, copy, symlinks=True, dirs_exist_ok=True)
        yield copy
        _flush(copy)
        link = metadata / f"{copy.name}.link"
        link.symlink_to(copy.name)
        link.replace(current)  # The atomic step.
        _flush(metadata)
    finally:
        # By name: `metadata` may be a relative path, or lie behind a link.
        kept = {_LINK, current.readlink().name} if current.is_symlink() else set()
        for leftover in tuple(metadata.iterdir()):
            if leftover.name not in kept:
                _remove(leftover)


def _flush(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        for body in path.rglob("*.sealed"):
            durable.overwrite(body)
        shutil.rmtree(path)
