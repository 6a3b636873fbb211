"""The last accepted repository on disk: replaced atomically, verified anew before each use.

After a power cut the old or the new repository is there, whole. A refusal leaves the old one.
`firmware.trust.site_verifier` verifies it again before it is used. A new camera begins with an
empty one, which is made before its keys (`firmware.identity`): a repository that is gone later is
not taken for a new camera's. The folder belongs to `watch`, and no other user may write it.
"""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO, Final

from firmware.errors import FloorsBroken
from firmware.folder import Folder
from firmware.trust.floors import begin_floors, floors_of

_LINK: Final = "accepted"
_FIRST: Final = "first"
_BODY_LIMIT: Final = 17 * 1024 * 1024  # As `formats.site_tuf`, which the courier must not load.


def begin_trust(metadata: Path) -> None:
    """Make the floors and the empty repository of a camera that has accepted nothing."""
    begin_floors(floors_of(metadata))
    with Folder.made(metadata, 0o700) as repositories:
        if repositories.status(_LINK) is None:
            repositories.folder(_FIRST, mode=0o700).close()
            os.symlink(_FIRST, _LINK, dir_fd=repositories.descriptor)
            repositories.sync()


def accepted_folder(metadata: Path) -> Path:
    """Return the path of the last accepted repository.

    Raises:
        FloorsBroken: it is gone, though every camera has one.
    """
    link = metadata / _LINK
    if not link.is_symlink() or not link.is_dir():
        raise FloorsBroken(
            f"The accepted list in {metadata} is gone, so a rollback cannot be noticed: put a new "
            "image and new keys on the camera, and register it again."
        )
    return link


def is_empty(metadata: Path) -> bool:
    """Return whether this camera has accepted no repository yet; errors as of `accepted_folder`."""
    return not any(accepted_folder(metadata).iterdir())


def open_accepted(metadata: Path, name: str, *, limit: int) -> BinaryIO:
    """Open a file of the last accepted repository, by its name in the published repository.

    Raises:
        FileNotFoundError: the accepted repository does not have it.
        ForeignFile: it is no regular file of `limit` bytes at most.
        FloorsBroken: the repository is gone.
    """
    folder, _, file = name.rpartition("/")
    version, _, plain = file.partition(".")
    # TUF keeps trusted files without a version in the name, except the history of the root.
    kept = plain if version.isdecimal() and plain != "root.json" else file
    link = accepted_folder(metadata)
    with Folder(metadata / link.readlink().name) as repository, repository.folder(folder) as part:
        return part.open(kept, limit=limit)


@contextmanager
def replace_accepted(metadata: Path) -> Generator[Path]:
    """Give a copy of the accepted repository; it replaces the old if the block raises no error.

    Raises:
        FloorsBroken: the old repository is gone.
        OSError: the folder cannot be written.
    """
    current = accepted_folder(metadata)
    copy = Path(mkdtemp(dir=metadata))
    try:
        shutil.copytree(current, copy, symlinks=True, dirs_exist_ok=True)
        yield copy
        _flush(copy)
        link = metadata / f"{copy.name}.link"
        link.symlink_to(copy.name)
        link.replace(current)  # The atomic step.
        with Folder(metadata) as repositories:
            repositories.sync()
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
            with Folder(body.parent) as folder:
                folder.overwrite(body.name, limit=_BODY_LIMIT)
        shutil.rmtree(path)
