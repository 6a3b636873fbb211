"""Who vouches for the machine's clock: plain NTP, NTS (authenticated time), or no time server.

Two marks are read. systemd-timesyncd makes a file once it has set the clock by plain NTP, which any
machine on the network can imitate. `firmware.time_check` asks chrony each minute, and marks whether
each time server in use proves its identity by NTS. `watch` has no network and cannot ask chrony
itself, so it reads these two files.

A mark says how the clock was set, not that its time is right. How far back a lie can reach is
bounded by `firmware.trust.clock`, for every source.
"""

import time
from pathlib import Path
from typing import Final

from firmware.config import SYNCHRONISED
from firmware.errors import ForeignFile
from firmware.folder import Folder
from formats.envelope_header import TimeQuality

CHECKED: Final = Path("/run/tallylight-time/checked")
"""The mark of `firmware.time_check`, which runs as chrony's user."""
KEPT_S: Final = 24 * 3600
"""A mark of chrony counts for so long without a new one: a crystal errs by 9 s meanwhile."""

_LIMIT: Final = 64
_NONE: Final = TimeQuality.UNSYNCHRONISED
_WORDS: Final = {
    TimeQuality.SYNCHRONISED: "synchronised",
    TimeQuality.AUTHENTICATED: "authenticated",
}


def time_quality(checked: Path = CHECKED, timesyncd: Path = SYNCHRONISED) -> TimeQuality:
    """Return how far the clock can be believed."""
    if timesyncd.exists():  # It sets the clock by plain NTP, also beside another source.
        return TimeQuality.SYNCHRONISED
    return _read_mark(checked)


def write_mark(checked: Path, quality: TimeQuality) -> None:
    """Write the mark, with CLOCK_BOOTTIME: its own time would go by the clock that it is about."""
    with Folder(checked.parent) as folder:
        content = f"{_WORDS[quality]} {int(time.clock_gettime(time.CLOCK_BOOTTIME))}\n"
        folder.replace(checked.name, content.encode(), mode=0o644)


def _read_mark(checked: Path) -> TimeQuality:
    """Return what the mark says; a mark that is missing, old or of no known form says nothing."""
    try:
        with Folder(checked.parent) as folder:
            word, at_s = folder.read(checked.name, limit=_LIMIT).decode("ascii").split()
            age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - int(at_s)
    except (OSError, ForeignFile, ValueError):
        return _NONE
    known = {said: quality for quality, said in _WORDS.items()}
    return known.get(word, _NONE) if 0 <= age_s <= KEPT_S else _NONE
