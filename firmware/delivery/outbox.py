"""The outbox: sealed events in a folder on disk until the estate's receipt; limits, power cuts.

One file is one event; `watch` puts them in, `courier` sends and removes them.

    part/      being written: no program reads it
    waiting/   whole and durable: sent again and again until the receipt comes
    leaving/   receipted or lapsed, being overwritten: only the courier's
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
    """The state of an outbox after a restart."""

    link: Link | None
    """The newest event; None before the first, or when no file tells of it any more."""
    set_aside: tuple[str, ...]
    """Names of files that had changed on the disk: they are in `broken/` now."""


class Room(NamedTuple):
    """The room of an outbox when it was measured."""

    events: int
    """How many more events fit."""
    waiting: int
    """How many wait for their receipts."""
    full: str
    """The message when no more fit."""


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
        """Finish what a power cut interrupted, and repair or set aside broken files."""
        found, broken = self._read_chains()
        if not found and broken:
            newest = self._newest_waiting()
            found = [newest] if newest else []
        link = max(found, key=lambda each: each.number, default=None)
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

    def set_terms(self, terms: Terms) -> None:
        """Write whose receipts allow removal and how long events are kept."""
        if self._terms() != terms:
            marks.write(self._folder / "terms", terms)

    # For `courier`.

    def terms(self) -> Terms | None:
        """Return the terms, or None before a list was verified or when they are broken."""
        return self._terms()

    def names(self) -> list[str]:
        """Return the names of the waiting events, oldest first."""
        return sorted(os.listdir(self._waiting))  # noqa: PTH208  # Three times as fast.

    def read_sealed(self, name: str) -> Sealed:
        """Return one waiting event.

        Raises:
            FormatError: the file has changed on the disk.
        """
        return read(Kind.EVENT, (self._waiting / name).read_bytes())

    def set_aside_broken(self, camera: VerifyKey) -> list[str]:
        """Set aside waiting files that this camera did not write so; return their names."""
        broken = []
        for name in self.names():
            try:
                verify(self.read_sealed(name), camera)
            except FormatError:
                broken.append(name)
                self.set_aside(name)
        return broken

    def set_aside(self, name: str) -> None:
        """Move a broken file to `broken/`."""
        self._put_aside(self._waiting / name)

    def remove(self, name: str) -> None:
        """Overwrite and delete an event whose receipt has come.

        It is moved to `leaving/` first, so that after a power cut a half-overwritten event does not
        count as a broken one.
        """
        self._destroy(self._waiting / name)

    def destroy_lapsed(self, keep_days: int) -> list[str]:
        """Destroy events that were kept for longer than `keep_days`; return their names.

        Call it only when the clock has been set. A file from before the clock was set counts from
        now on.
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

    def finish_removals(self) -> None:
        """Finish removals that a power cut interrupted. For the courier, at its start."""
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
                sealed = self.read_sealed(name)
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
    """Return the bytes of a file; 0 once the courier has removed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _is(draft: Path, link: Link) -> bool:
    try:
        return read(Kind.EVENT, draft.read_bytes()).digest == link.digest
    except FormatError:
        return False
