"""Armed-ready: whether a camera that has just booted could arm, so that its slot may be committed.

A slot is ready when all of this has happened since its boot, by the programs' own ledgers:

- `lampguard` has started, its self-test has passed, and the lamp is not in fault: a lease could be
  granted;
- `courier` has started with its keys and certificate;
- `watch` has opened its keys, outbox and nets, and then either looked in light (camera, lease and
  list worked), or was refused for a reason that no firmware can mend: `EXCUSED` has them. Then the
  camera must at least be found by its driver.

So a list that has ended, a policy without this camera, a clock that is not set yet, or hours in
which nothing may be looked at make no update fail. A list that the new version cannot read does,
and so do nets that the list or the policy does not name: publish the list for the new nets first.
It does not wait for the broker: an update must not fail because the broker is away.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware.config import State
from firmware.errors import NotReady
from firmware.folder import Folder
from firmware.record.ledger import LEDGER, LIMIT
from formats.errors import FormatError
from formats.ledger import Happening, Program, Record

PATIENCE_S: Final = 20 * 60.0
"""Longest wait: each program verifies its ledger first, after years for up to 15 minutes."""
POLL_S: Final = 2.0
"""Time between two looks at the ledgers."""
EXCUSED: Final = frozenset({"ClockUntrusted", "NobodyListed", "OutsideHours"})
"""Faults of `watch` that say nothing about the firmware."""
EXCUSED_LISTS: Final = frozenset(
    {"WL_MISSING", "WL_EXPIRED", "WL_CLOCK", "WL_CAMERA", "WL_DPIA", "WL_BUDGET"}
)
"""Refusals of a list that say nothing about the firmware."""
_PASSED: Final = frozenset({"off", "arming", "on", "hold"})
"""States of the guard that it reaches only after its self-test."""

Marks = Mapping[Program, int]
"""Where each program's ledger ended when the camera booted, in bytes."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What the programs have recorded since the boot."""

    lampguard: tuple[Record, ...]
    watch: tuple[Record, ...]
    courier: tuple[Record, ...]


def wait_until_ready(
    state: State,
    camera_found: Callable[[], bool],
    marks: Marks,
    patience_s: float = PATIENCE_S,
) -> None:
    """Return once the camera could arm.

    Args:
        state: the camera's folders.
        camera_found: whether the driver finds the camera; asked only if `watch` has not looked.
        marks: of `ledger_marks`, from before the programs started.
        patience_s: longest wait, in seconds.

    Raises:
        NotReady: the time is over; the message says what is missing.
    """
    until_s = time.monotonic() + patience_s
    while (missing := what_is_missing(records_since(state, marks), camera_found)) is not None:
        if time.monotonic() >= until_s:
            raise NotReady(f"This version is not ready: {missing}.")
        time.sleep(min(POLL_S, patience_s))


def what_is_missing(boot: Boot, camera_found: Callable[[], bool]) -> str | None:
    """Return what keeps the camera from being ready, in words; None if nothing does."""
    lamp = _last(boot.lampguard, Happening.LAMP)
    steps = {
        "lampguard has not started": _started(boot.lampguard),
        "the lamp's self-test has not passed": lamp is not None and lamp.body["to"] in _PASSED,
        "courier has not started": _started(boot.courier),
        "watch has not started": _started(boot.watch),
    }
    missing = next((words for words, done in steps.items() if not done), None)
    if missing or _last(boot.watch, Happening.PERIOD_BEGIN) is not None:
        return missing
    if not _was_excused(boot.watch):
        return "watch has not looked in light"
    return None if camera_found() else "the camera is not found"


def camera_found() -> bool:
    """Return whether the camera's driver finds a camera; it is not opened."""
    try:
        from picamera2 import Picamera2  # noqa: PLC0415  # Only a camera has it.
    except ImportError:
        return False
    return bool(Picamera2.global_camera_info())


def ledger_marks(state: State) -> Marks:
    """Return where the programs' ledgers end now; call it before the programs start."""
    return {program: _size(folder) for program, folder in _folders(state).items()}


def records_since(state: State, marks: Marks) -> Boot:
    """Return the records that the programs have written behind the marks.

    Raises:
        ForeignFile: a ledger is a link, a FIFO, or of another kind.
    """
    found = {
        program: tuple(_records(folder, marks[program]))
        for program, folder in _folders(state).items()
    }
    return Boot(found[Program.LAMPGUARD], found[Program.WATCH], found[Program.COURIER])


def _was_excused(records: Iterable[Record]) -> bool:
    """Return whether the newest refusal of `watch` says nothing about the firmware."""
    excused, code = False, ""
    for record in records:
        if record.event is Happening.LIST_REFUSED:
            code = str(record.body["code"])
        elif record.event is Happening.OUTBOX_FULL:
            excused = True
        elif record.event is Happening.FAULT and "name" not in record.body:
            fault = record.body["code"]
            excused = fault in EXCUSED or (fault == "ListRefused" and code in EXCUSED_LISTS)
    return excused


def _started(records: Iterable[Record]) -> bool:
    return _last(records, Happening.START) is not None


def _last(records: Iterable[Record], happening: Happening) -> Record | None:
    found = [record for record in records if record.event is happening]
    return found[-1] if found else None


def _folders(state: State) -> Mapping[Program, Path]:
    return {
        Program.LAMPGUARD: state.lampguard,
        Program.WATCH: state.watch,
        Program.COURIER: state.courier,
    }


def _size(folder: Path) -> int:
    try:
        with Folder(folder) as own:
            found = own.status(LEDGER)
    except FileNotFoundError:
        return 0
    return found.st_size if found else 0


def _records(folder: Path, mark: int) -> Iterable[Record]:
    """Yield the records behind a mark; a line that is not whole yet is left out."""
    try:
        with Folder(folder) as own, own.open(LEDGER, limit=LIMIT) as file:
            file.seek(mark)
            lines = file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield Record.from_line(line)
        except FormatError:
            continue
