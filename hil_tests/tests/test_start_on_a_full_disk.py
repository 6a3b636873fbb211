"""A camera starts on a full disk: only receipts make room there, and programs must carry them."""

from contextlib import suppress
from pathlib import Path

import pytest

from firmware.record.ledger import CHECKPOINT, Ledger
from firmware.tests.camera_setup import looks, made_camera
from firmware.tests.observations import records
from firmware.tests.test_assembly import waiting_event
from firmware.tests.test_ledger_file import SIGNER
from formats.ledger import Happening, Program
from hil_tests.tests.test_receipt_on_a_full_disk import disk, fill

__all__ = ["disk"]


def full_ledger(folder: Path, program: Program, disk: Path) -> Ledger:
    """Return a ledger on a full disk; there is no room left in its last block, either."""
    ledger = Ledger(folder, program)
    ledger.append(Happening.START)
    fill(disk)
    with suppress(OSError):
        while True:
            ledger.append(Happening.STOP)
    return ledger


def test_watch_that_starts_on_a_full_disk_removes_what_was_receipted(disk: Path) -> None:
    config = made_camera(disk)
    outbox = waiting_event(config, receipted=True)
    full_ledger(config.state.watch, Program.WATCH, disk)
    with pytest.raises(OSError, match="root"):
        looks(config)  # There is no list, and no root to verify one.
    assert outbox.names() == []
    assert len(records(config.state.watch, Happening.EVENT_RECEIPTED)) == 1


def test_a_ledger_is_opened_on_a_full_disk_and_signed_once_there_is_room(disk: Path) -> None:
    before = full_ledger(disk / "courier", Program.COURIER, disk)
    again = Ledger(disk / "courier", Program.COURIER)
    again.append_if_room(Happening.START)
    again.sign_with(SIGNER)
    assert not (disk / "courier" / CHECKPOINT).exists()
    assert again.head == before.head
    (disk / "filler").unlink()
    again.sign()
    assert (disk / "courier" / CHECKPOINT).exists()
