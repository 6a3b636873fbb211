"""Write a file whole or not at all: a full disk leaves no half file, no draft, and names the file.

The operating system does not name the file when a write fails (`No space left on device`). Every
error from here does. A file is private or readable as its caller says, also under umask 0: no
other user can write it.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""Mode of a file with secrets or faces: its owner alone."""
READABLE: Final = 0o644
"""Mode of a file for every user to read, and for its owner to write."""
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_whole(path: Path, content: bytes, *, mode: int = READABLE, synced: bool = True) -> None:
    """Put `content` at `path`, in place of what was there.

    Args:
        path: the file.
        content: all of it.
        mode: of the file; the umask can only take rights away.
        synced: whether this waits for the disk.

    Raises:
        OSError: the disk is full or refuses; what was at `path` is unchanged. It names the file.
    """
    draft = _draft_of(path)
    with _named(path, draft):
        draft.unlink(missing_ok=True)
        _fill(os.open(draft, _CREATE, mode), content, synced=synced)
        draft.replace(path)


def write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Put `content` at `path`, where nothing is yet.

    Raises:
        FileExistsError: there is something.
        OSError: the disk is full or refuses; nothing is left. It names the file.
    """
    descriptor = os.open(path, _CREATE, mode)  # Its error names the file.
    with _named(path, path):
        _fill(descriptor, content, synced=True)


def append_whole(path: Path, content: bytes) -> None:
    """Add `content` at the end of a small file. The whole file is read and written anew.

    Raises:
        OSError: as of `write_whole`.
    """
    before = path.read_bytes() if path.exists() else b""
    write_whole(path, before + content)


def destroy(path: Path) -> None:
    """Overwrite a file with zeros in place, wait until the disk has them, and remove it.

    Raises:
        OSError: the disk refuses. It names the file.
    """
    with _named(path, None):
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError that names no file name `path`: for libraries that write below it."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _fill(descriptor: int, content: bytes, *, synced: bool) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if synced:
            os.fsync(file.fileno())


@contextmanager
def _named(path: Path, draft: Path | None) -> Iterator[None]:
    """Remove `draft` after an error, and let the error name `path`."""
    try:
        yield
    except OSError as error:
        if draft is not None:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def _draft_of(path: Path) -> Path:
    if not path.name:  # As of "" and ".": no file can be put there.
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return path.with_name(f".{path.name}.part")
