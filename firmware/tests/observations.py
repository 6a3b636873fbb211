"""What a test observes of running programs: records in ledgers, and waiting for a condition."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from formats.ledger import Happening, Record


def records(folder: Path, happening: Happening) -> list[Mapping[str, int | str]]:
    """Return the bodies of one kind of record in a program's ledger, oldest first."""
    lines = (folder / "ledger.jsonl").read_bytes().splitlines()
    return [each.body for each in map(Record.from_line, lines) if each.event is happening]


def eventually(holds: Callable[[], object], *, within_s: float = 30.0) -> None:
    """Wait until a condition holds; the limit is long, for a busy machine."""
    until_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until_s, "It did not happen in time."
        time.sleep(0.005)
