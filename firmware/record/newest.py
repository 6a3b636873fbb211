"""The newest record of one kind in a ledger, for programs that only read it: no chain is verified.

The ledger may be growing meanwhile: a line that is not whole yet is left out.
"""

from datetime import UTC, datetime
from os import SEEK_END
from pathlib import Path
from typing import Final

from firmware.folder import Folder
from firmware.record.ledger import LEDGER, LIMIT
from formats.errors import FormatError
from formats.ledger import Happening, Record
from formats.strict_json import UTC_HIGH_S

TAIL: Final = 16 * 2**20
"""Bytes at the end of a ledger in which its newest records are looked for: more than 40,000 lines
of 400 bytes."""


def newest_record(folder: Path, happening: Happening) -> Record | None:
    """Return the newest record of one kind in the ledger of a program's folder, or None.

    Raises:
        ForeignFile: the ledger is a link, a FIFO, or of another kind.
    """
    try:
        with Folder(folder) as own, own.open(LEDGER, limit=LIMIT) as file:
            file.seek(-min(TAIL, file.seek(0, SEEK_END)), SEEK_END)
            lines = file.read(TAIL).split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        try:
            record = Record.from_line(line)
        except FormatError:
            continue
        if record.event is happening:
            return record
    return None


def when_written(record: Record) -> str:
    """Return the time of a record by its program's clock, to the minute."""
    if record.utc_ms > 1000 * UTC_HIGH_S:  # A clock may be wrong by more than a calendar holds.
        return f"{record.utc_ms} ms after 1970"
    return f"{datetime.fromtimestamp(record.utc_ms / 1000, UTC):%Y-%m-%d %H:%M UTC}"
