"""The outbox: sealed events in a folder on disk until the estate's receipt; limits, power cuts.

One file is one event. Only `watch` writes here: it puts events in, and removes them on a receipt
that it has verified itself (`firmware/delivery/removal.py`). The courier reads.

    part/      being written: no program reads it
    waiting/   whole and durable: sent again and again until the receipt comes
    leaving/   receipted or lapsed, being overwritten
    broken/    changed on the disk: set aside, kept, and recorded
    chain      number, sequence and digest of the newest event that was here at a start or a removal
    chain-copy the same once more: a broken one is repaired from the other
    terms      whose receipts allow removal, and how long an event without a receipt is kept

An event is written to `part/`, under its number and digest, and synced (2 fsyncs). Then it is moved
to `waiting/`. After a power cut a draft that has the digest of its name is moved, and any other is
dropped. The newest event is the newest of those that wait and of the chains, so the chains are
written only before an event leaves: else a restart would forget the newest one. No event is dropped
for lack of room: a full outbox refuses, and recognition stops.

What the files take is counted once, and then with every event that comes or goes: no cost grows
with what waits.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from nacl.signing import VerifyKey

from firmware.delivery import marks
from firmware.delivery.marks import Link, Terms
from firmware.delivery.names import draft_name, link_of, name_of, number_of, whole_draft
from firmware.delivery.places import Places, make_places, open_places
from firmware.delivery.waiting import (
    LARGEST,
    LIMIT_BYTES,
    NAMES_LIMIT,
    Taken,
    WaitingEvents,
    size_of,
)
from firmware.errors import FileUnreadable, ForeignFile, OutboxFull
from firmware.folder import NO_ROOM, Folder, unless_full
from formats.envelope import Sealed, verify
from formats.errors import FormatError

DAY_S: Final = 24 * 3600
SANE_UTC_S: Final = 1_767_225_600
"""2026-01-01: a file that claims to be older was written before the clock was set."""


class Recovered(NamedTuple):
    """The state of an outbox after a restart."""

    link: Link | None
    """The newest event; None before the first, or when no file tells of it any more."""
    set_aside: tuple[str, ...]
    """Names of files that had changed on the disk: they are in `broken/` now."""


class Outbox(WaitingEvents):
    """The folder above, for the one program that writes it."""

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Make what is missing.

        Raises:
            FolderShared: another user can write in one of the folders.
            ForeignFile: something else is in the place of a folder.
        """
        super().__init__(path, limit_bytes=limit_bytes)
        self._counted: Taken | None = None
        self._newest: Link | None = None
        self._named: Link | None = None  # What the chains name.
        self._oldest_s = float("-inf")  # No file of those that wait is older.
        make_places(path)

    def recover(self) -> Recovered:
        """Finish what a power cut interrupted, and repair or set aside broken files."""
        self._counted = None
        with open_places(self._path) as at:
            for name in at.leaving.names(limit=NAMES_LIMIT):
                _erase(at.leaving, name)
            found, broken = marks.read_chains(at.root)
            for name in broken:
                _put_aside(at, at.root, name)
            link = self._newest_of(found)
            for name in at.part.names(limit=NAMES_LIMIT):
                draft = whole_draft(at.part, name, link)
                if draft is not None:
                    at.part.rename(name, at.waiting, name_of(draft))
                    link = draft if link is None or draft.number > link.number else link
                elif not _drop_draft(at, name, named=link is not None and name == name_of(link)):
                    broken.append(name)
            self._newest, self._named = link, link if found == [link, link] else None
            self._name_newest(at)
        return Recovered(link, tuple(broken))

    def put(self, sealed: Sealed, link: Link) -> None:
        """Keep one event until its receipt comes; it is on disk when this returns (2 fsyncs).

        The courier may send it from the moment at which it is moved, and a power cut may undo the
        move: the draft is durable by then, and takes the same place at the next start.

        Raises:
            OutboxFull: the disk had no room after all.
            ForeignFile: something else is in the event's place.
        """
        counted, self._counted = self.taken(), None
        name, draft = name_of(link), draft_name(link)
        with open_places(self._path) as at:
            try:
                at.part.write(draft, sealed.blob)
                at.part.sync()
                at.part.rename(draft, at.waiting, name, synced=False)
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                at.part.remove(draft)
                raise OutboxFull("The disk is full: recognition stops.") from error
            found = at.waiting.status(name)
        self._newest = link
        self._counted = Taken(counted.used + size_of(found), counted.waiting + 1)
        self._oldest_s = min(self._oldest_s, found.st_mtime if found else 0.0)

    def taken(self) -> Taken:
        """Return what the files take: counted once, then kept with every change."""
        if self._counted is None:
            self._counted = super().taken()
        return self._counted

    def set_link(self, link: Link) -> None:
        """Name the event after which the chain goes on."""
        self._newest, self._named = link, None
        with open_places(self._path) as at:
            self._name_newest(at)

    def set_terms(self, terms: Terms) -> None:
        """Write whose receipts allow removal and how long events are kept."""
        if self.terms() != terms:
            with open_places(self._path) as at:
                marks.write(at.root, "terms", terms)

    def numbers(self) -> set[int]:
        """Return the numbers of the events that are here, waiting or set aside."""
        with open_places(self._path) as at:
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
        self._counted = None
        with open_places(self._path) as at:
            _put_aside(at, at.waiting, name)

    def remove(self, name: str) -> None:
        """Overwrite and delete an event whose receipt has come, or that has lapsed.

        It is moved to `leaving/` first, so that after a power cut a half-overwritten event does not
        count as a broken one.
        """
        counted, self._counted = self.taken(), None
        with open_places(self._path) as at:
            self._name_newest(at)
            waiting = at.waiting.status(name)
            place, found = (at.waiting, waiting) if waiting else (at.broken, at.broken.status(name))
            place.rename(name, at.leaving, name)
            if _erase(at.leaving, name):
                gone = Taken(size_of(found), 1 if waiting else 0)
                self._counted = Taken(counted.used - gone.used, counted.waiting - gone.waiting)

    def lapsed(self, keep_days: int, now_s: float) -> list[str]:
        """Return the names of events, also broken ones, that were kept for over `keep_days`.

        The folder is read only when its oldest file is as old as that.

        Args:
            keep_days: days that an event is kept without a receipt.
            now_s: the time, seconds since 1970. A file from before the clock was set counts from
                now on.
        """
        before_s = now_s - keep_days * DAY_S
        if self._oldest_s >= max(before_s, SANE_UTC_S):
            return []
        lapsed, oldest_s = [], now_s
        with open_places(self._path) as at:
            for place in (at.waiting, at.broken):
                for name in place.names(limit=NAMES_LIMIT):
                    found = place.status(name)
                    if found is None:
                        continue
                    if found.st_mtime < SANE_UTC_S:
                        times = (now_s, now_s)
                        os.utime(name, times, dir_fd=place.descriptor, follow_symlinks=False)
                        continue
                    oldest_s = min(oldest_s, found.st_mtime)
                    if found.st_mtime < before_s:
                        lapsed.append(name)
        self._oldest_s = oldest_s
        return lapsed

    def _name_newest(self, at: Places) -> None:
        """Name the newest event in the chains, unless they do already, or the disk is full."""
        if self._newest is None:
            self._newest = self._newest_of(marks.read_chains(at.root)[0])
        if self._newest is not None and self._newest != self._named:
            with unless_full():  # The ledger names it, too, and a removal makes room.
                marks.write_chains(at.root, self._newest)
                self._named = self._newest

    def _newest_of(self, chains: list[Link]) -> Link | None:
        """Return the newest event that a chain names or that waits."""
        waiting = self._newest_waiting()
        links = [*chains, waiting] if waiting else chains
        return max(links, key=lambda each: each.number, default=None)

    def _newest_waiting(self) -> Link | None:
        for name in reversed(self.names()):
            try:
                return link_of(int(name), self.read_sealed(name))
            except (FormatError, ForeignFile, ValueError):
                continue
        return None


def _drop_draft(at: Places, name: str, *, named: bool) -> bool:
    """Remove a draft; set it aside if a chain names it, or if it is a folder. Return if it went."""
    if not named:
        with suppress(ForeignFile):
            at.part.remove(name)
            return True
    _put_aside(at, at.part, name)
    return False


def _put_aside(at: Places, place: Folder, name: str) -> None:
    place.rename(name, at.broken, f"{name}-{time.time_ns()}")


def _erase(leaving: Folder, name: str) -> bool:
    """Overwrite and remove a file; what is no event, or lies on a bad block, is only removed.

    A folder stays. Return whether the name is gone.
    """
    try:
        leaving.overwrite(name, limit=LARGEST)
    except ForeignFile:
        with suppress(ForeignFile):
            leaving.remove(name)
    return leaving.status(name) is None
