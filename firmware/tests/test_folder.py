"""Files below an open folder: what another user may have put there is refused at once, by name."""

import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from firmware.errors import FileUnreadable, ForeignFile
from firmware.folder import Folder
from firmware.tests.worn_card import worn_card

LIMIT = 1000
TERABYTE = 2**40


def _link(path: Path) -> None:
    outside = path.parent.parent / "outside"
    outside.write_bytes(b"another program's")
    path.symlink_to(outside)


def _looped_link(path: Path) -> None:
    path.symlink_to(path.name)


def _hard_link(path: Path) -> None:
    outside = path.parent.parent / "outside"
    outside.write_bytes(b"another program's")
    path.hardlink_to(outside)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path.with_name("s")))  # The system allows 107 bytes.
    path.with_name("s").rename(path)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, TERABYTE)


FOREIGN: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link": (_link, "symbolic link"),
    "a link to itself": (_looped_link, "symbolic link"),
    "a hard link": (_hard_link, "hard link"),
    "a FIFO": (os.mkfifo, "FIFO"),
    "a folder": (Path.mkdir, "a folder"),
    "a socket": (_socket, "socket"),
    "a sparse terabyte": (_sparse, f"{TERABYTE} bytes"),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the path of a folder that two programs share."""
    path = tmp_path / "shared"
    path.mkdir()
    return path


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_plain_file_is_refused_at_once_and_by_name(place: Path, what: str) -> None:
    make, named = FOREIGN[what]
    make(place / "file")
    began_s = time.monotonic()
    with Folder(place) as folder, pytest.raises(ForeignFile, match=named) as refusal:
        folder.read("file", limit=LIMIT)
    assert time.monotonic() - began_s < 1
    assert str(place / "file") in str(refusal.value)


@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_exchanged_after_a_first_look_is_refused_by_name(
    place: Path, what: str, monkeypatch: pytest.MonkeyPatch, *, writable: bool
) -> None:
    (place / "file").write_bytes(b"a plain file")
    FOREIGN[what][0](place / "planted")
    look = os.lstat

    def look_and_exchange(name: str, *, dir_fd: int) -> os.stat_result:
        found = look(name, dir_fd=dir_fd)
        (place / "file").unlink()
        (place / "planted").rename(place / "file")
        return found

    monkeypatch.setattr("firmware.folder.os.lstat", look_and_exchange)
    with Folder(place) as folder, pytest.raises(ForeignFile, match=str(place / "file")):
        folder.open("file", limit=LIMIT, writable=writable)


class GrowingFolder(Folder):
    """A folder in which another program writes on, once a file is open."""

    def open(self, name: str, *, limit: int, writable: bool = False) -> BinaryIO:
        file = super().open(name, limit=limit, writable=writable)
        with (self.path / name).open("ab") as more:
            more.write(bytes(limit))
        return file


def test_a_file_that_grows_after_it_was_opened_is_refused(place: Path) -> None:
    (place / "file").write_bytes(b"a plain file")
    with GrowingFolder(place) as folder, pytest.raises(ForeignFile, match="growing"):
        folder.read("file", limit=LIMIT)


@pytest.mark.parametrize("what", FOREIGN)
def test_nothing_is_overwritten_through_what_is_no_plain_file(place: Path, what: str) -> None:
    FOREIGN[what][0](place / "file")
    with Folder(place) as folder, pytest.raises(ForeignFile):
        folder.overwrite("file", limit=LIMIT)
    outside = place.parent / "outside"
    assert not outside.exists() or outside.read_bytes() == b"another program's"


@pytest.mark.parametrize("what", sorted(set(FOREIGN) - {"a folder"}))
@pytest.mark.parametrize("at", ["file", ".file.part"])
def test_a_write_takes_the_place_of_what_was_planted_and_follows_nothing(
    place: Path, what: str, at: str
) -> None:
    FOREIGN[what][0](place / at)
    with Folder(place) as folder:
        folder.replace("file", b"new")
        assert folder.read("file", limit=LIMIT) == b"new"
    outside = place.parent / "outside"
    assert not outside.exists() or outside.read_bytes() == b"another program's"
    assert [left.name for left in place.iterdir()] == ["file"]


@pytest.mark.parametrize("at", ["file", ".file.part"])
def test_a_folder_where_a_file_belongs_is_refused_when_it_is_written(place: Path, at: str) -> None:
    (place / at).mkdir()
    with Folder(place) as folder, pytest.raises(ForeignFile, match="is a folder, not a file"):
        folder.replace("file", b"new")


def test_a_link_in_the_place_of_a_folder_is_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (place / "sub").symlink_to(tmp_path / "elsewhere")
    with Folder(place) as folder, pytest.raises(ForeignFile, match="symbolic link"):
        folder.folder("sub")
    (tmp_path / "top").symlink_to(place)
    with pytest.raises(ForeignFile, match="symbolic link"):
        Folder(tmp_path / "top")


def test_a_folder_stays_the_same_while_its_path_is_replaced(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with Folder(place) as folder:
        place.rename(tmp_path / "moved")
        place.symlink_to(tmp_path / "elsewhere")
        folder.replace("file", b"new")
    assert (tmp_path / "moved" / "file").read_bytes() == b"new"
    assert not any((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("name", ["", ".", "..", "../outside", "sub/file", "/etc/passwd", "a\0b"])
def test_a_path_is_no_name(place: Path, name: str) -> None:
    with Folder(place) as folder:
        for ask in (
            lambda: folder.read(name, limit=LIMIT),
            lambda: folder.replace(name, b"new"),
            lambda: folder.remove(name),
            lambda: folder.status(name),
            lambda: folder.folder(name),
        ):
            with pytest.raises(ForeignFile):
                ask()


def test_a_file_of_the_limit_is_read_and_one_byte_more_is_refused(place: Path) -> None:
    with Folder(place) as folder:
        folder.write("file", bytes(LIMIT))
        assert folder.read("file", limit=LIMIT) == bytes(LIMIT)
        with pytest.raises(ForeignFile, match=f"of {LIMIT - 1} bytes at most"):
            folder.read("file", limit=LIMIT - 1)


def test_a_folder_of_more_names_than_the_limit_is_refused(place: Path) -> None:
    for number in range(4):
        (place / str(number)).touch()
    with Folder(place) as folder:
        assert folder.names(limit=4) == ["0", "1", "2", "3"]
        with pytest.raises(ForeignFile, match="3 names at most"):
            folder.names(limit=3)


def test_what_is_overwritten_is_zeros_on_the_disk_and_gone(place: Path) -> None:
    with Folder(place) as folder:
        folder.write("file", b"secret")
        with (place / "file").open("rb") as still_open:
            folder.overwrite("file", limit=LIMIT)
            assert still_open.read() == bytes(len(b"secret"))
        assert folder.status("file") is None


def test_the_disk_has_the_zeros_before_the_name_goes(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "file").write_bytes(b"a template")
    synced = []

    def note(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        synced.append((name, (place / "file").exists()))

    monkeypatch.setattr("firmware.folder.os.fsync", note)
    with Folder(place) as folder:
        folder.overwrite("file", limit=LIMIT)
    assert synced == [("file", True), (place.name, False)]


def test_what_is_missing_is_missing(place: Path) -> None:
    with Folder(place) as folder:
        folder.remove("file")
        with pytest.raises(FileNotFoundError):
            folder.read("file", limit=LIMIT)
        with pytest.raises(FileNotFoundError):
            folder.folder("sub")
    with pytest.raises(FileNotFoundError):
        Folder(place / "sub")


def test_a_missing_folder_is_made_with_its_mode(place: Path) -> None:
    with Folder.made(place / "a" / "b", 0o700) as folder, folder.folder("c", mode=0o750):
        assert (place / "a" / "b").stat().st_mode & 0o777 == 0o700
        assert (place / "a" / "b" / "c").stat().st_mode & 0o777 == 0o750


def test_a_file_moves_into_another_folder(place: Path) -> None:
    with Folder(place) as folder, folder.folder("sub", mode=0o700) as sub:
        folder.write("file", b"moved")
        folder.rename("file", sub, "new")
        assert sub.read("new", limit=LIMIT) == b"moved"
        assert folder.names(limit=10) == ["sub"]


@contextmanager
def leased(path: Path) -> Iterator[None]:
    """Hold a lease: the kernel makes every other opener wait until the holder lets go."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        with path.open("r+b") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            yield
    finally:
        signal.signal(signal.SIGIO, before)


def test_a_file_that_its_owner_holds_by_a_lease_is_refused_at_once_and_by_name(place: Path) -> None:
    (place / "file").write_bytes(b"x")
    held = pytest.raises(ForeignFile, match="file is held by a lease")
    with Folder(place) as folder, leased(place / "file"), held:
        folder.read("file", limit=LIMIT)


def test_a_file_that_the_card_does_not_give_back_is_named(place: Path) -> None:
    with Folder(Path(f"/proc/{os.getpid()}")) as process, pytest.raises(FileUnreadable):
        process.read("mem", limit=LIMIT)  # Its first page is not mapped: EIO, as of a bad block.
    with Folder(place) as folder, worn_card("file"):
        folder.write("file", b"x")
        with pytest.raises(FileUnreadable, match="file cannot be read from the card: replace"):
            folder.read("file", limit=LIMIT)


def test_a_file_has_the_mode_that_was_asked_for_also_under_a_closed_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with Folder(tmp_path) as folder:
            folder.replace("settings", b"for all users", mode=0o644)
            folder.write("key", b"for one", mode=0o600)
    finally:
        os.umask(before)
    assert (tmp_path / "settings").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
