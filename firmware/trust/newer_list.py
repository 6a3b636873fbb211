"""Newer list: look for a verified newer TUF timestamp in the inbox, so that `watch` starts anew.

A courier or a broker can put anything into the inbox, as often as it likes. A run ends for a
timestamp only if the site signed it, it has not expired, and its version is above every version
that this camera has accepted, or has ended a run for, also before a restart. So a publication ends
one run at most. Anything else is ignored: recognition goes on, and the ledger of `watch` says
`list_refused`, at most once in ten minutes.

No frame waits for a look at the inbox: it runs in the thread of `firmware.disk_writer`. The rest of
a publication is not verified here. `firmware.trust.site_verifier` does that at the next start.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from tuf.api.exceptions import BadVersionNumberError, RepositoryError
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from firmware.config import Config
from firmware.errors import FirmwareError
from firmware.folder import Folder
from firmware.record.queued_ledger import QueuedLedger
from firmware.trust.floors import Floors, floors_of, read_floors
from firmware.trust.site_verifier import refusal_of
from formats.ledger import Happening
from formats.site_tuf import CONFIG, METADATA_FOLDER

LOOK_S: Final = 1.0
"""Time between two looks at the inbox."""
SAY_S: Final = 600.0
"""Shortest time between two records of what is ignored: 53,000 lines a year at most."""

_TIMESTAMP: Final = "timestamp.json"
_ENDED_FOR: Final = "ended-for"
_DIGITS: Final = 20  # More than any version has.

_Mark = tuple[int, ...]


@dataclass(slots=True)
class NewerList:
    """The inbox of one run of `watch`, from before the run accepts its list."""

    config: Config
    book: QueuedLedger
    wall: Callable[[], datetime]
    """The time, UTC: an expired timestamp ends no run."""
    look_s: float = LOOK_S
    _known: int = field(init=False, default=0)
    """The highest version that the run has begun with, or that has ended a run before."""
    _arrived: bool = field(init=False, default=False)
    _seen: _Mark | None = field(init=False, default=None)
    _due_s: float = field(init=False, default=0.0)
    _said_s: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        self._known = _ended_for(self.config.state.watch)
        with suppress(OSError, FirmwareError, RepositoryError):  # Refused by name at acceptance.
            self._seen = _mark(self.config.state.inbox)
            self._known = max(self._known, self._verified())
        self._due_s = time.monotonic() + self.look_s

    def arrived(self) -> bool:
        """Return whether a newer list has arrived; ask often, because looks are queued here."""
        now_s = time.monotonic()
        if now_s >= self._due_s and not self._arrived and not self.book.writer.pending:
            self._due_s = now_s + self.look_s
            self.book.writer.submit(self._look, regardless=True)
        return self._arrived

    def _look(self) -> None:
        """Verify the timestamp, if the inbox has changed; runs in the queue's thread."""
        try:
            mark = _mark(self.config.state.inbox)
            if mark == self._seen:
                return
            self._seen = mark
            version = self._verified()
        except FileNotFoundError:
            return
        except (FirmwareError, RepositoryError, OSError) as error:
            if isinstance(error, OSError):
                self._seen = None  # It could not be read now: look again.
            self._say(error)
            return
        if version > self._known:
            self._arrived = True
            with Folder(self.config.state.watch) as own:
                own.replace(_ENDED_FOR, str(version).encode())

    def _verified(self) -> int:
        """Return the version of the timestamp in the inbox; 0 if this camera has accepted it."""
        floors = read_floors(floors_of(self.config.state.site))
        root, inbox = self.config.trusted_root.read_bytes(), self.config.state.inbox
        version = verify_timestamp(inbox, root, floors, self.wall())
        return version if version > floors.versions.get("timestamp", 0) else 0

    def _say(self, error: Exception) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s >= SAY_S:
            self._said_s = now_s
            self.book.ledger.append(Happening.LIST_REFUSED, {"code": refusal_of(error)})


def verify_timestamp(inbox: Path, root: bytes, floors: Floors, now: datetime) -> int:
    """Return the version of the timestamp in the inbox, verified from `root` down.

    It reads each root that follows `root`, and the timestamp: bounded in number and size.

    Raises:
        FileNotFoundError: there is no timestamp.
        ForeignFile: a file is a link, a FIFO, too large, or of another kind.
        RepositoryError: the site did not sign it, it has expired, or it is below the floors.
    """
    trusted = TrustedMetadataSet(root, EnvelopeType.METADATA)
    trusted.reference_time = now
    with Folder(inbox) as repository, repository.folder(METADATA_FOLDER) as metadata:
        for _ in range(CONFIG.max_root_rotations):
            following = f"{trusted.root.version + 1}.root.json"
            if metadata.status(following) is None:
                break
            trusted.update_root(metadata.read(following, limit=CONFIG.root_max_length))
        content = metadata.read(_TIMESTAMP, limit=CONFIG.timestamp_max_length)
    timestamp = trusted.update_timestamp(content)
    for signed in (trusted.root, timestamp):
        if signed.version < floors.versions.get(signed.type, 0):
            raise BadVersionNumberError(f"Version {signed.version} of {signed.type} is too old.")
    return timestamp.version


def _mark(inbox: Path) -> _Mark:
    """Return figures that change when a file of the metadata is replaced; nothing is read."""
    with Folder(inbox) as repository, repository.folder(METADATA_FOLDER) as metadata:
        timestamp = metadata.status(_TIMESTAMP)
        changed_ns = os.fstat(metadata.descriptor).st_mtime_ns
    if timestamp is None:
        return (changed_ns,)
    return (changed_ns, timestamp.st_mtime_ns, timestamp.st_ino, timestamp.st_size)


def _ended_for(watch: Path) -> int:
    """Return the version of the last timestamp that ended a run; 0 if that is not known."""
    try:
        with Folder(watch) as own:
            return int(own.read(_ENDED_FOR, limit=_DIGITS))
    except (OSError, FirmwareError, ValueError):
        return 0
