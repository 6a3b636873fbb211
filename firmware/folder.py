"""Files below an open folder: no symlink or FIFO is opened, reads are bounded, writes are durable.

Programs of different users share some folders of the camera. A program opens what another user may
write through this module only, and its own files as well: a link that was planted earlier does
nothing then.

A file is opened if it is a regular file with one name (a second name is a hard link, perhaps from
another folder), no larger than the caller's limit, and not closed to this program by its mode or
by a lease.
Anything else raises `ForeignFile` at once. A file that a worn card does not give back (EIO) raises
`FileUnreadable`, so that one bad block ends no program that can go on with other files. Nothing
here waits for a FIFO or a device. A write goes to a draft that did not exist before. It takes the
place of the old file by a rename: after a power cut the old or the new file is there, whole.

The path of the folder itself is believed. Its parents belong to root on a camera.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from firmware.errors import FileUnreadable, ForeignFile

MODE: Final = 0o640
"""Of a new file: its owner writes, the folder's group reads."""
CLOSED: Final = "closed to this program"
"""Its owner, another program, has given it a mode that keeps this one out."""
LEASED: Final = "held by a lease"
"""Its owner, another program, has asked the kernel to be asked before it is opened (fcntl(2))."""
_WORN: Final = {errno.EIO, errno.EUCLEAN, errno.EBADMSG}
"""From a block that the card does not give back, or whose checksum is wrong."""
NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT}
"""From a write to a full disk, or beyond the user's quota."""
_SAFE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_EXCHANGED: Final = {errno.ELOOP, errno.ENXIO, errno.EISDIR}
"""From opening what a first look took for a plain file: now it is a link, a socket or a folder."""
_OPEN_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Folder:
    """An open folder: what it names stays the same folder, also if its path is replaced."""

    path: Path
    descriptor: int
    """Open for as long as the folder is; for calls of the operating system relative to it."""

    def __init__(self, path: Path, *, below: "Folder | None" = None) -> None:
        """Open a folder.

        Args:
            path: where it is; its name alone, if `below` is given.
            below: the open folder in which it is.

        Raises:
            ForeignFile: there is something else, a link to a folder, or one that is closed.
            FileNotFoundError: there is nothing.
        """
        self.path = path if below is None else below.path / path
        parent = None if below is None else below.descriptor
        try:
            self.descriptor = os.open(path, _OPEN_FOLDER, dir_fd=parent)
        except PermissionError as error:
            raise ForeignFile(self.path, CLOSED, "a folder that it may read") from error
        except OSError as error:
            found = _found(path, parent)
            if found is None or stat.S_ISDIR(found.st_mode):
                raise
            raise ForeignFile(self.path, _kind(found), "a folder") from error

    @classmethod
    def made(cls, path: Path, mode: int) -> Self:
        """Open a folder; make it first, and the folders above it, if they are missing."""
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        return cls(path)

    def folder(self, name: str, *, mode: int | None = None) -> "Folder":
        """Open the folder `name` in this one; with `mode`, make it if it is missing.

        Raises:
            ForeignFile: there is something else, or a link to a folder.
            FileNotFoundError: there is nothing, and no mode was given.
        """
        _check_name(self.path, name)
        if mode is not None and self.status(name) is None:
            os.mkdir(name, mode, dir_fd=self.descriptor)
        return Folder(Path(name), below=self)

    def open(self, name: str, *, limit: int, writable: bool = False) -> BinaryIO:
        """Open a regular file of `limit` bytes at most.

        The caller still reads no more than it expects: a file can grow after it was opened.

        Raises:
            ForeignFile: it is no regular file, has another name elsewhere, is larger, or its mode
                or a lease closes it to this program.
            FileUnreadable: the card does not give it back.
            FileNotFoundError: there is nothing.
        """
        _check_name(self.path, name)
        flags = _SAFE | (os.O_RDWR if writable else os.O_RDONLY)
        try:
            with _worn_named(self.path / name):
                found = os.lstat(name, dir_fd=self.descriptor)
                self._check(name, found, limit)  # A device is not opened.
                descriptor = os.open(name, flags, dir_fd=self.descriptor)
        except PermissionError as error:
            raise ForeignFile(self.path / name, CLOSED, "a file that it may open") from error
        except BlockingIOError as error:
            raise ForeignFile(self.path / name, LEASED, "a file that it may open") from error
        except OSError as error:
            if error.errno not in _EXCHANGED:
                raise
            raise ForeignFile(self.path / name, "exchanged while it is opened", "a file") from error
        try:
            self._check(name, os.fstat(descriptor), limit)
            return os.fdopen(descriptor, "r+b" if writable else "rb")
        except BaseException:
            os.close(descriptor)
            raise

    def read(self, name: str, *, limit: int) -> bytes:
        """Return the content of a regular file of `limit` bytes at most; errors as of `open`."""
        with _worn_named(self.path / name), self.open(name, limit=limit) as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ForeignFile(self.path / name, "growing", f"a file of {limit} bytes at most")
        return content

    def replace(self, name: str, content: bytes, *, mode: int = MODE, synced: bool = True) -> None:
        """Put `content` at `name`: a power cut leaves the old file or the new one, whole.

        If it is not `synced`, this does not wait for the disk, and a power cut may leave a torn
        file.

        Raises:
            ForeignFile: a folder is in its place.
        """
        draft = f".{name}.part"
        self.write(draft, content, mode=mode, synced=synced)
        self.rename(draft, self, name, synced=synced)

    def write(self, name: str, content: bytes, *, mode: int = MODE, synced: bool = True) -> None:
        """Write a new file; what was there is removed. If `synced`, wait for the disk.

        It has exactly this mode, whatever the program's umask is: what another user must read is
        readable also if root writes it in a unit that closes new files.

        Raises:
            ForeignFile: a folder is in its place.
        """
        self.remove(name)
        flags = _SAFE | os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(name, flags, mode, dir_fd=self.descriptor), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            if synced:
                os.fsync(file.fileno())

    def overwrite(self, name: str, *, limit: int) -> None:
        """Overwrite a file with zeros in place, wait until the disk has them, and remove it.

        The file is not truncated first: a file system would then write the zeros to other blocks.
        Errors as of `open`.
        """
        path = self.path / name
        with _worn_named(path), self.open(name, limit=limit, writable=True) as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
        self.remove(name)
        self.sync()

    def rename(self, name: str, to: "Folder", new: str, *, synced: bool = True) -> None:
        """Move what is at `name`, of any kind. If `synced`, wait for the disk.

        Raises:
            ForeignFile: a folder is in the new place.
            FileNotFoundError: there is nothing at `name`.
        """
        _check_name(self.path, name)
        _check_name(to.path, new)
        try:
            os.rename(name, new, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)
        except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
            raise ForeignFile(to.path / new, "a folder", "a file") from error
        if synced:
            to.sync()

    def remove(self, name: str) -> None:
        """Remove a name, if it is there; what a link points to stays.

        Raises:
            ForeignFile: it is a folder.
        """
        _check_name(self.path, name)
        try:
            os.unlink(name, dir_fd=self.descriptor)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError) as error:
            found = self.status(name)
            if found is None or not stat.S_ISDIR(found.st_mode):
                raise
            raise ForeignFile(self.path / name, "a folder", "a file") from error

    def names(self, *, limit: int) -> list[str]:
        """Return all names in the folder, sorted.

        Raises:
            ForeignFile: there are more than `limit`.
        """
        with os.scandir(self.descriptor) as entries:
            names = sorted(entry.name for entry in islice(entries, limit + 1))
        if len(names) > limit:
            raise ForeignFile(self.path, "overfull", f"a folder of {limit} names at most")
        return names

    def status(self, name: str) -> os.stat_result | None:
        """Return size, kind and times of what is at `name`, a link too; None if nothing."""
        _check_name(self.path, name)
        return _found(Path(name), self.descriptor)

    def sync(self) -> None:
        """Wait until the disk has the folder's list of names."""
        os.fsync(self.descriptor)

    def close(self) -> None:
        """Close the folder; its sub-folders stay open."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check(self, name: str, found: os.stat_result, limit: int) -> None:
        path = self.path / name
        if not stat.S_ISREG(found.st_mode):
            raise ForeignFile(path, _kind(found), "a file")
        if found.st_nlink > 1:
            raise ForeignFile(path, "a hard link", "a file with one name")
        if found.st_size > limit:
            raise ForeignFile(path, f"{found.st_size} bytes long", f"of {limit} bytes at most")


@contextmanager
def _worn_named(path: Path) -> Iterator[None]:
    """Raise `FileUnreadable` where the card does not give back what is at `path`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _WORN:
            raise
        raise FileUnreadable(path) from error


@contextmanager
def unless_full() -> Iterator[None]:
    """Go on after the block if the disk has no room for what the block writes."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise


def _check_name(folder: Path, name: str) -> None:
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise ForeignFile(folder, "asked for a path", "asked for a name")


def _found(path: Path, below: int | None) -> os.stat_result | None:
    try:
        return os.stat(path, dir_fd=below, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _kind(found: os.stat_result) -> str:
    return next((kind for is_kind, kind in _KINDS if is_kind(found.st_mode)), "a regular file")
