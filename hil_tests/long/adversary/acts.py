"""Stands in for a courier that was taken over: random acts on the camera's folders, without end.

It runs as the courier's user. Each act strikes a random name in a random folder: links to the files
of `watch`, FIFOs, sockets, folders, sparse files, leases, names that are no text, floods of names,
modes, removals, renames, older copies of what it saw, forged and replayed receipts. Each line that
it prints is an act, whether the folder is its own or one of `watch`, and whether the system let it.

It leaves the courier's own keys alone, so that events flow meanwhile.
"""

import fcntl
import os
import shutil
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from numpy.random import Generator, default_rng

from firmware.config import State

FLOOD: Final = 1_000
"""Names in a flood."""
TERABYTE: Final = 2**40
SEEN: Final = 200
"""Most older copies that it keeps."""
LEASES: Final = 20
"""Most leases that it holds at once."""
COPY_LIMIT: Final = 2**20
PAUSE_S: Final = 0.03
FOLDER_MODE: Final = 0o2750
CLEAN: Final = 0.2
"""Share of the rounds in which it empties one folder of its own, so that work goes on between."""

Thing = TypeVar("Thing")

FILES_OF_WATCH: Final = (
    "sign.key",
    "list.key",
    "ledger.jsonl",
    "floors/floors.1",
    "floors/floors.2",
    "site/accepted",
)


@dataclass(slots=True)
class Adversary:
    """One run of the adversary."""

    state: State
    dice: Generator
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    """Names and contents of files that it saw earlier."""
    leased: list[FileIO] = field(default_factory=list)
    """Files that it holds by a lease."""

    @property
    def own(self) -> list[Path]:
        """The shared folders that the courier writes."""
        inbox = self.state.inbox
        return [self.state.receipts, inbox, inbox / "metadata", inbox / "targets"]

    @property
    def closed(self) -> list[Path]:
        """The folders that only `watch` writes."""
        outbox, watch = self.state.outbox, self.state.watch
        places = [outbox / name for name in ("part", "waiting", "leaving", "broken")]
        return [outbox, *places, watch, watch / "site", watch / "floors"]

    def targets(self) -> list[Path]:
        """Return the files of `watch`, and the events that wait."""
        waiting = [self.state.outbox / "waiting" / name for name in self.waiting()]
        marks = [self.state.outbox / name for name in ("chain", "chain-copy", "terms")]
        return [self.state.watch / name for name in FILES_OF_WATCH] + marks + waiting

    def some(self, names: list[str]) -> list[str]:
        """Return two of several names."""
        return [pick(self.dice, names) for _ in names[:2]]

    def waiting(self) -> list[str]:
        """Return the names of some events that wait."""
        return _names(self.state.outbox / "waiting")

    def place(self, folder: Path) -> Path:
        """Return a path in a folder: of something that is there, an event's, or a new one."""
        names = [
            *_names(folder),
            *self.waiting(),
            ".reserve",
            f"{int(self.dice.integers(10**12)):012}",
        ]
        if folder == self.state.watch:
            names += FILES_OF_WATCH
        return folder / pick(self.dice, names)

    def look(self) -> None:
        """Keep copies of files that it may read, for later."""
        for folder in (*self.own, self.state.outbox, self.state.outbox / "waiting"):
            for name in self.some(_names(folder)):
                with suppress(OSError):
                    found = (folder / name).lstat()
                    if stat.S_ISREG(found.st_mode) and found.st_size <= COPY_LIMIT:
                        self.seen.append((name, (folder / name).read_bytes()))
        if len(self.seen) > SEEN:
            self.seen.pop(int(self.dice.integers(len(self.seen))))

    def link(self, path: Path) -> None:
        """Plant a symbolic link to a file of `watch`."""
        _make_way(path)
        path.symlink_to(pick(self.dice, self.targets()))

    def loop(self, path: Path) -> None:
        """Plant a link to itself."""
        _make_way(path)
        path.symlink_to(path.name)

    def hard_link(self, path: Path) -> None:
        """Give a file of its own a second name."""
        with path.with_name("twin").open("ab"):
            _make_way(path)
            path.hardlink_to(path.with_name("twin"))

    def fifo(self, path: Path) -> None:
        """Plant a FIFO, which lets a reader wait for ever."""
        _make_way(path)
        os.mkfifo(path)

    def socket(self, path: Path) -> None:
        """Plant a socket."""
        _make_way(path)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))

    def folder(self, path: Path) -> None:
        """Put a folder where a file belongs."""
        _make_way(path)
        path.mkdir()

    def terabyte(self, path: Path) -> None:
        """Plant a file that claims to be a terabyte long."""
        _make_way(path)
        with path.open("wb") as file:
            file.truncate(TERABYTE)

    def flood(self, path: Path) -> None:
        """Make a thousand names."""
        for number in range(FLOOD):
            (path.parent / f"{number:012}").touch()

    def remove(self, path: Path) -> None:
        """Remove what is there."""
        _remove(path)

    def rename(self, path: Path) -> None:
        """Rename what is there."""
        path.rename(path.with_name(f"gone-{int(self.dice.integers(100))}"))

    def cut(self, path: Path) -> None:
        """Cut a file short."""
        os.truncate(path, int(self.dice.integers(100)))

    def mode(self, path: Path) -> None:
        """Change the mode of a file, or of the folder above it."""
        at = pick(self.dice, [path, path.parent])
        at.chmod(pick(self.dice, [0o000, 0o200, 0o777]))

    def put_back(self, path: Path) -> None:
        """Put an older copy back, under its own name or another: a list, a receipt, a chain."""
        name, content = pick(self.dice, self.seen)
        at = path if self.dice.random() < 0.5 else path.with_name(name)
        _make_way(at)
        at.write_bytes(content)

    def forge(self, path: Path) -> None:
        """Write random bytes of a receipt's size under an event's name."""
        name = pick(self.dice, [*self.waiting(), path.name])
        _make_way(path.with_name(name))
        path.with_name(name).write_bytes(self.dice.bytes(700))

    def damage(self, path: Path) -> None:
        """Change one byte of what is there."""
        content = bytearray(path.read_bytes() if path.lstat().st_size < COPY_LIMIT else b"?")
        content[int(self.dice.integers(len(content)))] ^= 1
        path.write_bytes(content)

    def lease(self, path: Path) -> None:
        """Take a lease on what is there: no other program can open it at once."""
        if len(self.leased) == LEASES:
            self.leased.pop(0).close()
        file = path.open("r+b", buffering=0)
        self.leased.append(file)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)

    def no_text(self, path: Path) -> None:
        """Plant a file whose name is no text."""
        path.with_name(os.fsdecode(b"\xff%d" % self.dice.integers(100))).touch()

    def acts(self) -> dict[str, Callable[[Path], None]]:
        """Return all acts by name."""
        return {
            "link to a file of watch": self.link,
            "looped link": self.loop,
            "hard link": self.hard_link,
            "FIFO": self.fifo,
            "socket": self.socket,
            "folder for a file": self.folder,
            "sparse terabyte": self.terabyte,
            "1,000 names": self.flood,
            "removal": self.remove,
            "renaming": self.rename,
            "cutting short": self.cut,
            "change of mode": self.mode,
            "older copy put back": self.put_back,
            "forged receipt": self.forge,
            "changed byte": self.damage,
            "lease": self.lease,
            "name that is no text": self.no_text,
        }

    def round(self) -> str:
        """Do one act; return a line that says what, where and whether the system let it."""
        self.look()
        if self.dice.random() < CLEAN:
            empty(pick(self.dice, self.own))
        closed = self.dice.random() < 0.4
        name, act = pick(self.dice, list(self.acts().items()))
        path = self.place(pick(self.dice, self.closed if closed else self.own))
        try:
            act(path)
        except FileNotFoundError:
            return f"{name}\tnothing there"
        except (OSError, ValueError) as error:
            refused = isinstance(error, PermissionError)
            return f"{name}\t{'refused' if refused else 'in vain'}"
        return f"{name}\t{'done to watch' if closed else 'done'}"


def pick(dice: Generator, things: Sequence[Thing]) -> Thing:
    """Return one of several things, of which there is at least one."""
    return things[int(dice.integers(len(things)))]


def empty(folder: Path) -> None:
    """Remove all files in a folder, and what was planted for them."""
    with suppress(OSError):
        folder.chmod(FOLDER_MODE)
        for path in folder.iterdir():
            if path.name not in {"metadata", "targets"}:
                _remove(path)


def _names(folder: Path) -> list[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        return [entry.name for entry in islice(entries, 50)]
    return []


def _make_way(path: Path) -> None:
    with suppress(FileNotFoundError):
        _remove(path)


def _remove(path: Path) -> None:
    if stat.S_ISDIR(path.lstat().st_mode):
        shutil.rmtree(path)
    else:
        path.unlink()


def main() -> None:
    """Act for ever."""
    folder, seed = sys.argv[1:]
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # The kernel asks for a lease with it.
    adversary = Adversary(State(Path(folder)), default_rng(int(seed)))
    while True:
        print(adversary.round(), flush=True)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
