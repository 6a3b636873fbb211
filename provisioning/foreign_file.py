"""Read a file that another person may have put there: no link, device or FIFO, and bounded.

A memory stick, or a site's folder on one, comes from other hands. A file on it is opened if it is a
regular file of the caller's limit at most, and if no folder on the way to it is a link. Anything
else is refused by name, at once: nothing here waits for a FIFO or opens a device. What the bytes
mean is not judged here.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from provisioning.errors import FileRefused

_KINDS: Final = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_foreign(folder: Path, name: str, *, limit: int) -> bytes:
    """Return the content of the file `name`, a relative path, below `folder`.

    Args:
        folder: the folder that the user named; it may be a link.
        name: path below it; no part of it may be a link.
        limit: most bytes.

    Raises:
        FileRefused: the file or a folder on the way is of another kind, or the file is too large.
        FileNotFoundError: there is no such file.
    """
    path = folder / name
    with open_foreign(folder, name, limit=limit) as file:
        try:
            content = file.read(limit + 1)
        except OSError as error:  # Of a stick that was pulled out; it names no file.
            raise FileRefused(
                f"{path} cannot be read ({error.strerror}): bring the stick again."
            ) from error
    if len(content) > limit:
        raise FileRefused(f"{path} grows while it is read: remove it.")
    return content


def open_foreign(folder: Path, name: str, *, limit: int) -> BinaryIO:
    """Open the file `name` below `folder`, for files that are too large for the memory.

    Arguments and errors as of `read_foreign`; the caller reads no more than it can use.
    """
    path = folder / name
    for parent in reversed(path.relative_to(folder).parents[:-1]):
        _refuse_other_kind(folder / parent, (folder / parent).lstat(), stat.S_IFDIR)
    _refuse_unfit(path, path.lstat(), limit)  # A device is not even opened.
    file = os.fdopen(os.open(path, _FLAGS), "rb")
    try:
        _refuse_unfit(path, os.fstat(file.fileno()), limit)
    except FileRefused:
        file.close()
        raise
    return file


def refuse_links(folder: Path, names: Iterable[str]) -> None:
    """Raise if one of the folders `names` below `folder` is there and is no folder, but a link.

    A program that writes below `folder` would write to another place otherwise.

    Raises:
        FileRefused: one is a link, or of another kind.
    """
    for name in names:
        with suppress(FileNotFoundError):
            _refuse_other_kind(folder / name, (folder / name).lstat(), stat.S_IFDIR)


def _refuse_unfit(path: Path, found: os.stat_result, limit: int) -> None:
    _refuse_other_kind(path, found, stat.S_IFREG)
    if found.st_size > limit:
        raise FileRefused(
            f"{path} has {found.st_size} bytes, and such a file has {limit} at most: remove it."
        )


def _refuse_other_kind(path: Path, found: os.stat_result, wanted: int) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != wanted:
        what = "folder" if wanted == stat.S_IFDIR else "file"
        raise FileRefused(f"{path} is {_KINDS.get(kind, 'a file')}, not a plain {what}: remove it.")
