"""The outbox: sealed events in a folder on disk until the estate's receipt; limits, power cuts.

One file is one event. Only `watch` writes here: it puts events in, and removes them on a receipt
that it has verified itself (`firmware/delivery/removal.py`). The courier reads.

    part/      being written: no program reads it
    waiting/   whole and durable: sent again and again until the receipt comes
    leaving/   receipted or lapsed, being overwritten
    broken/    changed on the disk: set aside, kept, and recorded
    chain      number, sequence and digest of the newest event, so that the chain survives a restart
    chain-copy the same once more: a broken one is repaired from the other
    terms      whose receipts allow removal, and how long an event without a receipt is kept

An event is written to `part/`, then named in both chains, then moved to `waiting/`. After a power
cut either the event is complete and is moved, or no chain names it and it is dropped. No event is
dropped for lack of room: a full outbox refuses, and recognition stops.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from nacl.signing import VerifyKey

from firmware.delivery import marks
from firmware.delivery.marks import Link, Terms
from firmware.delivery.waiting import LARGEST, LIMIT_BYTES, NAMES_LIMIT, PLACES, WaitingEvents
from firmware.errors import FileUnreadable, FolderShared, ForeignFile, OutboxFull
from firmware.folder import NO_ROOM, Folder
from formats.envelope import Kind, Sealed, read, verify
from formats.errors import FormatError

CHAINS: Final = ("chain", "chain-copy")
NAME_DIGITS: Final = 12
"""An event's file has its number as its name: a folder in order of names is in order of events."""
FOLDER_MODE: Final = 0o750
WRITABLE_BY_OTHERS: Final = 0o022
DAY_S: Final = 24 * 3600
SANE_UTC_S: Final = 1_767_225_600
"""2026-01-01: a file that claims to be older was written before the clock was set."""


class Recovered(NamedTuple):
    """The state of an outbox after a restart."""

    link: Link | None
    """The newest event; None before the first, or when no file tells of it any more."""
    set_aside: tuple[str, ...]
    """Names of files that had changed on the disk: they are in `broken/` now."""


class _Places(NamedTuple):
    """The folders of the outbox, open."""

    root: Folder
    part: Folder
    waiting: Folder
    leaving: Folder
    broken: Folder


class Outbox(WaitingEvents):
    """The folder above, for the one program that writes it."""

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Make what is missing.

        Raises:
            FolderShared: another user can write in one of the folders.
            ForeignFile: something else is in the place of a folder.
        """
        super().__init__(path, limit_bytes=limit_bytes)
        with Folder.made(path, FOLDER_MODE) as root:
            for name in PLACES:
                root.folder(name, mode=FOLDER_MODE).close()
        with self._open() as at:
            for folder in at:
                _refuse_shared(folder)

    def recover(self) -> Recovered:
        """Finish what a power cut interrupted, and repair or set aside broken files."""
        with self._open() as at:
            for name in at.leaving.names(limit=NAMES_LIMIT):
                _erase(at.leaving, name)
            found, broken = _read_chains(at)
            if not found and broken:
                newest = self._newest_waiting()
                found = [newest] if newest else []
            link = max(found, key=lambda each: each.number, default=None)
            for name in at.part.names(limit=NAMES_LIMIT):
                if link is not None and _is(at.part, name, link):
                    at.part.rename(name, at.waiting, name)
                elif not _drop_draft(at, name, named=link is not None and name == name_of(link)):
                    broken.append(name)
            if link is not None and found != [link, link]:
                _write_chains(at, link)
        return Recovered(link, tuple(broken))

    def put(self, sealed: Sealed, link: Link) -> None:
        """Keep one event until its receipt comes; it is on disk when this returns.

        Raises:
            OutboxFull: the disk had no room after all.
            ForeignFile: something else is in the event's place.
        """
        name = name_of(link)
        try:
            with self._open() as at:
                at.part.write(name, sealed.blob)
                at.part.sync()
                _write_chains(at, link)
                at.part.rename(name, at.waiting, name)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise OutboxFull("The disk is full: recognition stops.") from error
            raise

    def set_link(self, link: Link) -> None:
        """Name the event after which the chain goes on."""
        with self._open() as at:
            _write_chains(at, link)

    def set_terms(self, terms: Terms) -> None:
        """Write whose receipts allow removal and how long events are kept."""
        if self.terms() != terms:
            with self._open() as at:
                marks.write(at.root, "terms", terms)

    def numbers(self) -> set[int]:
        """Return the numbers of the events that are here, waiting or set aside."""
        with self._open() as at:
            names = [name for place in at for name in place.names(limit=NAMES_LIMIT)]
        return {number for name in names if (number := number_of(name)) is not None}

    def set_aside_broken(
        self, camera: VerifyKey, meanwhile: Callable[[], bool] = lambda: True
    ) -> list[str]:
        """Set aside waiting files that this camera did not write so; return their names.

        A file that the card does not give back stays: the card may give it back later.

        Args:
            camera: the key that signed the events.
            meanwhile: called before each file; returns False to end early.
        """
        broken = []
        for name in self.names():
            if not meanwhile():
                break
            try:
                verify(self.read_sealed(name), camera)
            except FileUnreadable:
                broken.append(name)
            except (FormatError, ForeignFile):
                broken.append(name)
                self.set_aside(name)
        return broken

    def set_aside(self, name: str) -> None:
        """Move a broken file to `broken/`."""
        with self._open() as at:
            _put_aside(at, at.waiting, name)

    def remove(self, name: str) -> None:
        """Overwrite and delete an event whose receipt has come, or that has lapsed.

        It is moved to `leaving/` first, so that after a power cut a half-overwritten event does not
        count as a broken one.
        """
        with self._open() as at:
            place = at.waiting if at.waiting.status(name) else at.broken
            place.rename(name, at.leaving, name)
            _erase(at.leaving, name)

    def lapsed(self, keep_days: int, now_s: float) -> list[str]:
        """Return the names of events, also broken ones, that were kept for over `keep_days`.

        Args:
            keep_days: days that an event is kept without a receipt.
            now_s: the time, seconds since 1970. A file from before the clock was set counts from
                now on.
        """
        lapsed = []
        with self._open() as at:
            for place in (at.waiting, at.broken):
                for name in place.names(limit=NAMES_LIMIT):
                    found = place.status(name)
                    if found is None:
                        continue
                    if found.st_mtime < SANE_UTC_S:
                        times = (now_s, now_s)
                        os.utime(name, times, dir_fd=place.descriptor, follow_symlinks=False)
                    elif now_s - found.st_mtime > keep_days * DAY_S:
                        lapsed.append(name)
        return lapsed

    @contextmanager
    def _open(self) -> Iterator[_Places]:
        with ExitStack() as opened:
            root = opened.enter_context(Folder(self._path))
            yield _Places(root, *(opened.enter_context(root.folder(name)) for name in PLACES))

    def _newest_waiting(self) -> Link | None:
        for name in reversed(self.names()):
            try:
                sealed = self.read_sealed(name)
                header = sealed.header
                return Link(int(name), header.boot_id, header.sequence, sealed.digest)
            except (FormatError, ForeignFile, ValueError):
                continue
        return None


def name_of(link: Link) -> str:
    """Return the name of an event's file."""
    return f"{link.number:0{NAME_DIGITS}d}"


def number_of(name: str) -> int | None:
    """Return the number of the event in a file of the outbox, also of one that was set aside."""
    digits = name[:NAME_DIGITS]
    return int(digits) if len(digits) == NAME_DIGITS and digits.isdecimal() else None


def _refuse_shared(folder: Folder) -> None:
    found = os.fstat(folder.descriptor)
    if found.st_uid != os.geteuid() or found.st_mode & WRITABLE_BY_OTHERS:
        raise FolderShared(
            f"{folder.path} can be written by another user: run `systemd-tmpfiles --create`, and "
            "find out what was changed there."
        )


def _read_chains(at: _Places) -> tuple[list[Link], list[str]]:
    """Return the links that are sound, and the names of those that are not."""
    found, broken = [], []
    for name in CHAINS:
        try:
            found.append(Link.from_bytes(at.root.read(name, limit=marks.LIMIT)))
        except FileNotFoundError:
            continue
        except (FormatError, ForeignFile):
            broken.append(name)
            _put_aside(at, at.root, name)
    return found, broken


def _write_chains(at: _Places, link: Link) -> None:
    for name in CHAINS:
        marks.write(at.root, name, link)


def _drop_draft(at: _Places, name: str, *, named: bool) -> bool:
    """Remove a draft; set it aside if a chain names it, or if it is a folder. Return if it went."""
    if not named:
        with suppress(ForeignFile):
            at.part.remove(name)
            return True
    _put_aside(at, at.part, name)
    return False


def _put_aside(at: _Places, place: Folder, name: str) -> None:
    place.rename(name, at.broken, f"{name}-{time.time_ns()}")


def _erase(leaving: Folder, name: str) -> None:
    """Overwrite and remove a file; what is no event, or lies on a bad block, is only removed.

    A folder stays.
    """
    try:
        leaving.overwrite(name, limit=LARGEST)
    except ForeignFile:
        with suppress(ForeignFile):
            leaving.remove(name)


def _is(place: Folder, name: str, link: Link) -> bool:
    try:
        return read(Kind.EVENT, place.read(name, limit=LARGEST)).digest == link.digest
    except (FormatError, ForeignFile):
        return False
