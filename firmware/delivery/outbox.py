"""The outbox: sealed events on disk, from before anything is said until the estate's receipt.

A folder of files, one event each; `watch` puts them in, `courier` sends and removes them.

    part/      being written: nobody reads it
    waiting/   whole and durable: sent again and again until the receipt comes
    leaving/   receipted or lapsed, being overwritten: the courier's alone
    broken/    not what was written: set aside, kept, and recorded
    chain      number, sequence and digest of the newest event, so that the chain survives a restart
    chain-copy the same once more: one that is broken is mended from the other
    terms      whose receipts allow removal, and how long what has none is kept

An event is written to `part/`, then named in both chains, then moved to `waiting/`. After a power
cut at any point either the event is complete and gets moved, or it was never named and is dropped.
Nothing is dropped for want of room: a full outbox refuses, and recognition stops.
"""

import os
import time
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Final, NamedTuple

from nacl.signing import VerifyKey

from firmware.delivery import durable, marks
from firmware.delivery.marks import Link, Terms
from firmware.errors import OutboxFull
from formats.envelope import Kind, Sealed, read, verify, wire_size
from formats.errors import FormatError

LIMIT_BYTES: Final = 512 * 2**20
"""About 15,000 events of 33 kB."""
LARGEST: Final = wire_size(Kind.EVENT, Kind.EVENT.value.slots[-1])
"""Bytes of an event for as many reviewers as an envelope can have."""
FREE_BYTES: Final = 2**20
"""Kept free on the file system beside the next event, for ledgers and names."""
CHAINS: Final = ("chain", "chain-copy")
DAY_S: Final = 24 * 3600
SANE_UTC_S: Final = 1_767_225_600
"""2026-01-01: a file that claims to be older was written before the clock was set."""


class Recovered(NamedTuple):
    """What an outbox holds after whatever happened."""

    link: Link | None
    """The newest event; None before the first, or when nothing tells of it any more."""
    set_aside: tuple[str, ...]
    """Names of files that were not what was written: they lie in `broken/` now."""


class Room(NamedTuple):
    """What an outbox had room for when it was measured."""

    events: int
    """How many more events fit."""
    waiting: int
    """How many wait for their receipts."""
    full: str
    """What to say when no more fit, for people."""


class Outbox:
    """The folder above. One `watch` writes it and one `courier` reads it."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._part, self._waiting = folder / "part", folder / "waiting"
        self._leaving, self._broken = folder / "leaving", folder / "broken"
        self._places = (self._part, self._waiting, self._leaving, self._broken)
        for place in self._places:
            place.mkdir(mode=0o770, parents=True, exist_ok=True)

    # For `watch`.

    def recover(self) -> Recovered:
        """Finish what a power cut left half done, and mend or set aside what is broken."""
        found, broken = self._read_chains()
        if not found and broken:
            newest = self._newest_waiting()
            found = [newest] if newest else []
        link = max(found, key=lambda one: one.number, default=None)
        for draft in sorted(self._part.iterdir()):
            if link is not None and _is(draft, link):
                durable.rename(draft, self._waiting / draft.name)
            elif link is not None and draft.name == _name(link):
                broken.append(draft.name)
                self._put_aside(draft)
            else:
                draft.unlink()
        if link is not None and found != [link, link]:
            self._write_chains(link)
        return Recovered(link, tuple(broken))

    def room(self) -> Room:
        """Return how much room there is, while one more event fits.

        Raises:
            OutboxFull: the next event would not fit, into its share or onto the disk.
        """
        room = self.measure()
        if room.events < 1:
            raise OutboxFull(room.full)
        return room

    def measure(self) -> Room:
        """Return how much room there is, in its share and on the disk."""
        used = sum(_size(path) for place in self._places for path in place.iterdir())
        disk = os.statvfs(self._folder)
        in_share = (self._limit_bytes - used) // LARGEST
        on_disk = (disk.f_bavail * disk.f_frsize - FREE_BYTES) // LARGEST
        full = "The disk is full: recognition stops until there is room."
        if in_share <= on_disk:
            full = (
                f"The outbox holds {used} of {self._limit_bytes} bytes: recognition stops until "
                "the estate's receipts come; check the network and the receiver."
            )
        return Room(max(0, min(in_share, on_disk)), len(self.names()), full)

    def put(self, sealed: Sealed, link: Link) -> None:
        """Keep one event until its receipt comes; it is on disk when this returns.

        Raises:
            OutboxFull: the disk had no room after all.
        """
        name = _name(link)
        try:
            durable.write(self._part / name, sealed.blob)
            durable.sync_folder(self._part)
            self._write_chains(link)
            durable.rename(self._part / name, self._waiting / name)
        except OSError as error:
            if error.errno in {ENOSPC, EDQUOT}:
                raise OutboxFull("The disk is full: recognition stops.") from error
            raise

    def agree(self, terms: Terms) -> None:
        """Say whose receipts allow removal and how long events are kept, from the verified list."""
        if self._terms() != terms:
            marks.write(self._folder / "terms", terms)

    # For `courier`.

    def terms(self) -> Terms | None:
        """Return the terms, or None before a list was verified or when they are broken."""
        return self._terms()

    def names(self) -> list[str]:
        """Return the names of the waiting events, oldest first."""
        return sorted(os.listdir(self._waiting))  # noqa: PTH208  # Three times as fast.

    def sealed(self, name: str) -> Sealed:
        """Return one waiting event.

        Raises:
            FormatError: the file is not what was written.
        """
        return read(Kind.EVENT, (self._waiting / name).read_bytes())

    def check(self, camera: VerifyKey) -> list[str]:
        """Set aside what waits and is not what this camera wrote; return its names."""
        broken = []
        for name in self.names():
            try:
                verify(self.sealed(name), camera)
            except FormatError:
                broken.append(name)
                self.set_aside(name)
        return broken

    def set_aside(self, name: str) -> None:
        """Keep a broken file out of the way of the others."""
        self._put_aside(self._waiting / name)

    def remove(self, name: str) -> None:
        """Delete an event whose receipt has come, overwriting what can be overwritten.

        It is moved aside first: after a power cut half an overwritten event is one that was leaving
        anyway, and not a broken one.
        """
        self._destroy(self._waiting / name)

    def lapse(self, keep_days: int) -> list[str]:
        """Destroy what has been here for longer than may be; return the names.

        Only for a clock that has been set. What was written before the clock was ever set counts as
        of now.
        """
        now_s, lapsed = time.time(), []
        for place in (self._waiting, self._broken):
            for path in sorted(place.iterdir()):
                written_s = path.stat().st_mtime
                if written_s < SANE_UTC_S:
                    os.utime(path)
                elif now_s - written_s > keep_days * DAY_S:
                    self._destroy(path)
                    lapsed.append(path.name)
        return lapsed

    def sweep(self) -> None:
        """Finish the removals that a power cut left half done. For the courier, at its start."""
        for leaving in self._leaving.iterdir():
            leaving.unlink()

    def _terms(self) -> Terms | None:
        try:
            return Terms.from_bytes((self._folder / "terms").read_bytes())
        except (FileNotFoundError, FormatError):
            return None

    def _read_chains(self) -> tuple[list[Link], list[str]]:
        """Return the links that are sound, and the names of those that are not."""
        found, broken = [], []
        for name in CHAINS:
            path = self._folder / name
            try:
                found.append(Link.from_bytes(path.read_bytes()))
            except FileNotFoundError:
                continue
            except FormatError:
                broken.append(name)
                self._put_aside(path)
        return found, broken

    def _write_chains(self, link: Link) -> None:
        for name in CHAINS:
            marks.write(self._folder / name, link)

    def _newest_waiting(self) -> Link | None:
        for name in reversed(self.names()):
            try:
                sealed = self.sealed(name)
                header = sealed.header
                return Link(int(name), header.boot_id, header.sequence, sealed.digest)
            except (FormatError, ValueError):
                continue
        return None

    def _put_aside(self, path: Path) -> None:
        durable.rename(path, self._broken / f"{path.name}-{time.time_ns()}")

    def _destroy(self, path: Path) -> None:
        leaving = self._leaving / path.name
        durable.rename(path, leaving)
        durable.overwrite(leaving)
        leaving.unlink()
        durable.sync_folder(path.parent)


def _name(link: Link) -> str:
    return f"{link.number:012d}"


def _size(path: Path) -> int:
    """Bytes of a file; none once the courier has removed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _is(draft: Path, link: Link) -> bool:
    try:
        return read(Kind.EVENT, draft.read_bytes()).digest == link.digest
    except FormatError:
        return False
