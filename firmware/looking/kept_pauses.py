"""The file `watch/pauses`: pauses of entries and storm limits survive a restart of `watch`.

It is written through the disk writer: after each event, at the end of each period of looking, and
each minute while the counts change; never for each frame. A power cut loses at most a minute of
counts. A file that is damaged is no reason to stay dark: all pauses begin anew, and entries are
reported sooner. It is no security floor.

What it reveals: the handles of entries that were found within a day, and when. A handle is random;
the list authority knows whose it is. Only `watch` may read the file, and the handles of entries
that left the list are dropped at the next start.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from firmware.disk_writer import DiskWriter
from firmware.errors import ForeignFile
from firmware.folder import Folder
from firmware.looking.pauses import ENTRIES_MOST, LONGEST_PAUSE_S, PAUSE_S, STORM, Pause, Pauses
from formats.errors import Malformed
from formats.strict_json import Fields, JsonValue, dumps, parse
from formats.watchlist import HANDLE_BYTES

NAME: Final = "pauses"
LIMIT: Final = 256 * 1024
"""Bytes of the file at most: 1,000 entries of about 150."""
SAVE_S: Final = 60.0
"""Time between two saves while only counts change."""
_DIGEST_DIGITS: Final = 64
_MODE: Final = 0o600


@dataclass(slots=True)
class KeptPauses:
    """The pauses of a run, and the file that keeps them."""

    folder: Path
    """The folder of `watch`."""
    pauses: Pauses
    writer: DiskWriter
    on_disk: bytes | None = field(default=None, repr=False)
    """What the file holds, or is about to; None: these pauses, or nothing while there are none."""
    _event_ms: int = 0
    _saved_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.on_disk is None:
            self.on_disk = write_pauses(self.pauses)

    def save_if_due(self) -> None:
        """Save after an event, and each minute if something changed."""
        latest_ms = self.pauses.events_ms[-1] if self.pauses.events_ms else 0
        if latest_ms != self._event_ms or time.monotonic() - self._saved_s >= SAVE_S:
            self._event_ms = latest_ms
            self.save()

    def save(self) -> None:
        """Hand the file over for the disk, if something changed; wait for nothing."""
        content, self._saved_s = write_pauses(self.pauses), time.monotonic()
        if content != self.on_disk:
            self.on_disk = content
            self.writer.submit(partial(_replace, self.folder, content), regardless=True)


def open_pauses(folder: Path, zero_utc_ms: int) -> Pauses:
    """Return the pauses that an earlier run kept in `folder`; none if there is no file.

    Raises:
        Malformed: the file is damaged, or no file.
    """
    try:
        with Folder(folder) as open_folder:
            content = open_folder.read(NAME, limit=LIMIT)
    except FileNotFoundError:
        return Pauses(zero_utc_ms)
    except ForeignFile as error:
        raise Malformed(str(error)) from error
    return read_pauses(content, zero_utc_ms)


def write_pauses(pauses: Pauses) -> bytes:
    """Return what `read_pauses` reads: a SHA-256 in hexadecimal, then JSON."""
    entries: list[JsonValue] = [
        {
            "found_utc_ms": pause.found_ms,
            "handle": handle.hex(),
            "held_back": pause.held_back,
            "pause_s": pause.pause_s,
            "reported_utc_ms": pause.reported_ms,
        }
        for handle, pause in sorted(pauses.entries.items())
    ]
    events: list[JsonValue] = [{"utc_ms": at_ms} for at_ms in pauses.events_ms]
    content = dumps({"entries": entries, "events": events})
    return sha256(content).hexdigest().encode() + content


def read_pauses(data: bytes, zero_utc_ms: int) -> Pauses:
    """Return the pauses in `data`, for a boot whose CLOCK_MONOTONIC began at `zero_utc_ms`.

    Raises:
        Malformed: a byte has changed, or a field is out of bounds.
    """
    digest, content = data[:_DIGEST_DIGITS], data[_DIGEST_DIGITS:]
    if digest != sha256(content).hexdigest().encode():
        raise Malformed("The pauses were damaged on the disk.")
    entries, events = parse(content, _read, limit=LIMIT, what="pauses")
    return Pauses(zero_utc_ms, dict(entries), deque(events, maxlen=STORM))


def _read(fields: Fields) -> tuple[tuple[tuple[bytes, Pause], ...], tuple[int, ...]]:
    return (
        fields.objects("entries", _read_entry, count=ENTRIES_MOST),
        fields.objects("events", lambda event: event.integer("utc_ms"), count=STORM),
    )


def _read_entry(fields: Fields) -> tuple[bytes, Pause]:
    return fields.hex_bytes("handle", HANDLE_BYTES), Pause(
        reported_ms=fields.integer("reported_utc_ms"),
        found_ms=fields.integer("found_utc_ms"),
        pause_s=fields.integer("pause_s", low=PAUSE_S, high=LONGEST_PAUSE_S),
        held_back=fields.integer("held_back"),
    )


def _replace(folder: Path, content: bytes) -> None:
    with Folder.made(folder, 0o700) as open_folder:
        open_folder.replace(NAME, content, mode=_MODE)
