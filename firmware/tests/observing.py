"""What a test sees of running programs from outside: their ledgers, and that things happen."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from formats.ledger import Happening, Record


def records(folder: Path, happening: Happening) -> list[Mapping[str, int | str]]:
    """The bodies of one kind of record in a program's ledger, oldest first."""
    lines = (folder / "ledger.jsonl").read_bytes().splitlines()
    return [one.body for one in map(Record.from_line, lines) if one.event is happening]


def eventually(holds: Callable[[], object], *, within_s: float = 30.0) -> None:
    """Wait until something holds; long, for a busy machine: what holds ends the waiting."""
    until_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until_s, "It did not happen in time."
        time.sleep(0.005)
