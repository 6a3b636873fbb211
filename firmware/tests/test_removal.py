"""Removal from the outbox: on the estate's own receipt, or after the policy's retention."""

import os
import time
from collections.abc import Callable, Mapping
from errno import EIO, ENOSPC
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from firmware.delivery import removal
from firmware.delivery.hand_over import HandOver
from firmware.delivery.marks import Terms
from firmware.delivery.outbox import DAY_S, Outbox
from firmware.delivery.receipts import Receipts
from firmware.delivery.removal import AGAIN_S, REFUSALS, Removal
from firmware.record.ledger import Ledger, Moment
from firmware.tests.observations import records
from firmware.tests.outbox_events import COURIER, ESTATE, event, handed_over
from firmware.tests.test_folder import leased
from formats.ledger import Happening, Program

FIRST = "000000000001"
STRANGER = SigningKey(bytes([9]) * 32)


@pytest.fixture
def tidy(tmp_path: Path) -> Removal:
    """Three events wait; the clock is set."""
    outbox = Outbox(tmp_path / "outbox")
    for number in (1, 2, 3):
        outbox.put(*event(number))
    outbox.set_terms(Terms(bytes(ESTATE.verify_key), 30))
    receipts = Receipts(tmp_path / "receipts")
    receipts.reserve()
    return Removal(outbox, receipts, Ledger(tmp_path, Program.WATCH), time.time)


def refused(folder: Path) -> list[int | str]:
    faults = records(folder, Happening.FAULT)
    assert {fault["code"] for fault in faults} <= {"receipt_refused"}
    return [fault["name"] for fault in faults]


def test_a_receipt_removes_its_event_and_is_recorded(tidy: Removal, tmp_path: Path) -> None:
    sealed = tidy.outbox.read_sealed(FIRST)
    tidy.receipts.put(FIRST, handed_over(sealed))
    assert not tidy.round()
    assert tidy.outbox.names() == ["000000000002", "000000000003"]
    body = {"sequence": 1, "envelope": sealed.digest.hex(), "stored_utc_ms": 1}
    assert records(tmp_path, Happening.EVENT_RECEIPTED) == [body]


@pytest.mark.parametrize(
    "changed",
    [
        {"camera": bytes(16)},
        {"boot_id": bytes([1]) * 16},
        {"sequence": 2},
        {"envelope_digest": bytes(32)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_receipt_for_another_event_removes_nothing(
    tidy: Removal, tmp_path: Path, changed: dict[str, Any]
) -> None:
    tidy.receipts.put(FIRST, handed_over(tidy.outbox.read_sealed(FIRST), **changed))
    tidy.round()
    assert FIRST in tidy.outbox.names()
    assert refused(tmp_path) == [FIRST]


def test_a_courier_cannot_make_a_receipt_up(tidy: Removal, tmp_path: Path) -> None:
    sealed = tidy.outbox.read_sealed(FIRST)
    tidy.receipts.put(FIRST, handed_over(sealed, sender=STRANGER))
    tidy.round()
    assert FIRST in tidy.outbox.names()
    assert refused(tmp_path) == [FIRST]


def test_a_receipt_of_the_key_before_is_taken_back_and_its_event_sent_again(
    tidy: Removal, tmp_path: Path
) -> None:
    tidy.receipts.put(FIRST, handed_over(tidy.outbox.read_sealed(FIRST)))
    ledger = Ledger(tmp_path / "courier", Program.COURIER)
    courier = HandOver(tidy.outbox, tidy.receipts, COURIER, ledger)
    assert set(courier.names) == {FIRST}
    tidy.outbox.set_terms(Terms(bytes(STRANGER.verify_key), 30))
    assert courier.check() == [FIRST]
    assert (set(courier.names), tidy.receipts.names()) == (set(), [])


def test_a_receipt_under_another_events_name_removes_neither(tidy: Removal, tmp_path: Path) -> None:
    tidy.receipts.put(FIRST, handed_over(tidy.outbox.read_sealed("000000000002")))
    tidy.round()
    assert len(tidy.outbox.names()) == 3
    assert refused(tmp_path) == [FIRST]


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def looped_link(path: Path) -> None:
    path.symlink_to(path.name)


def folder(path: Path) -> None:
    path.mkdir()


def sparse_terabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def hard_link(path: Path) -> None:
    path.hardlink_to(path.parent / ".reserve")


@pytest.mark.parametrize("what", [fifo, link, looped_link, folder, sparse_terabyte, hard_link])
def test_what_is_no_file_of_a_receipt_is_refused_at_once_by_its_name(
    tidy: Removal, tmp_path: Path, what: Callable[[Path], None]
) -> None:
    what(tmp_path / "receipts" / FIRST)
    began_s = time.monotonic()
    assert not tidy.round()
    assert time.monotonic() - began_s < 1
    assert len(tidy.outbox.names()) == 3
    assert refused(tmp_path) == [FIRST]


def test_a_refused_receipt_does_not_keep_the_others(tidy: Removal) -> None:
    (third,) = tidy.outbox.names()[2:]
    tidy.receipts.put(FIRST, b"nonsense")
    tidy.receipts.put(third, handed_over(tidy.outbox.read_sealed(third)))
    tidy.round()
    assert tidy.outbox.names() == [FIRST, "000000000002"]


def test_a_receipt_that_the_courier_holds_by_a_lease_keeps_no_other(
    tidy: Removal, tmp_path: Path
) -> None:
    second = tidy.outbox.names()[1]
    for name in (FIRST, second):
        tidy.receipts.put(name, handed_over(tidy.outbox.read_sealed(name)))
    with leased(tmp_path / "receipts" / FIRST):
        tidy.round()
    assert tidy.outbox.names() == [FIRST, "000000000003"]
    assert refused(tmp_path) == [FIRST]


def test_a_true_receipt_in_place_of_a_refused_one_counts_after_a_minute(
    tidy: Removal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidy.receipts.put(FIRST, b"nonsense")
    tidy.round()
    tidy.receipts.put(FIRST, handed_over(tidy.outbox.read_sealed(FIRST)))
    later_s = time.monotonic() + AGAIN_S
    monkeypatch.setattr(time, "monotonic", lambda: later_s)
    tidy.round()
    assert FIRST not in tidy.outbox.names()
    assert refused(tmp_path) == [FIRST]


def test_refused_receipts_are_recorded_once_and_no_more_than_ten(
    tidy: Removal, tmp_path: Path
) -> None:
    for number in range(4, 4 + 2 * REFUSALS):
        tidy.outbox.put(*event(number))
        tidy.receipts.put(f"{number:012d}", b"nonsense")
    for _ in range(2):
        tidy.round()
    assert len(refused(tmp_path)) == REFUSALS


def test_receipts_without_an_event_are_not_read(tidy: Removal, tmp_path: Path) -> None:
    tidy.receipts.put("000000000009", b"nonsense")
    tidy.round()
    assert refused(tmp_path) == []


def test_a_link_in_place_of_the_folder_of_receipts_is_not_followed(
    tidy: Removal, tmp_path: Path
) -> None:
    tidy.receipts.put(FIRST, handed_over(tidy.outbox.read_sealed(FIRST)))
    (tmp_path / "receipts").rename(tmp_path / "elsewhere")
    (tmp_path / "receipts").symlink_to("elsewhere")
    tidy.round()
    assert len(tidy.outbox.names()) == 3
    assert refused(tmp_path) == ["receipts"]


def test_a_round_has_an_end_and_the_next_one_goes_on(
    tidy: Removal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in tidy.outbox.names():
        tidy.receipts.put(name, handed_over(tidy.outbox.read_sealed(name)))
    monkeypatch.setattr(removal, "ROUND_S", 0.0)
    assert tidy.round()
    assert len(tidy.outbox.names()) == 3
    monkeypatch.setattr(removal, "ROUND_S", 60.0)
    assert not tidy.round()
    assert tidy.outbox.names() == []


class FullAtFirst(Ledger):
    """A ledger on a disk in trouble, which has room again once an event was removed."""

    outbox: Outbox
    code = ENOSPC

    def append(
        self,
        event: Happening,
        body: Mapping[str, int | str] | None = None,
        at: Moment | None = None,
    ) -> None:
        if len(self.outbox.names()) == 3:
            raise OSError(self.code, os.strerror(self.code))
        super().append(event, body, at)


def test_on_a_full_disk_an_event_is_removed_first_and_recorded_then(
    tidy: Removal, tmp_path: Path
) -> None:
    tidy.receipts.put(FIRST, handed_over(tidy.outbox.read_sealed(FIRST)))
    tidy.ledger = FullAtFirst(tmp_path, Program.WATCH)
    tidy.ledger.outbox = tidy.outbox
    tidy.round()
    assert FIRST not in tidy.outbox.names()
    assert len(records(tmp_path, Happening.EVENT_RECEIPTED)) == 1


def test_an_event_whose_receipt_cannot_be_recorded_stays(tidy: Removal, tmp_path: Path) -> None:
    tidy.receipts.put(FIRST, handed_over(tidy.outbox.read_sealed(FIRST)))
    tidy.ledger = FullAtFirst(tmp_path, Program.WATCH)
    tidy.ledger.outbox, tidy.ledger.code = tidy.outbox, EIO
    with pytest.raises(OSError, match="Input/output"):
        tidy.round()
    assert len(tidy.outbox.names()) == 3


# Events that were kept for too long.


def grow_old(folder: Path, name: str = FIRST) -> None:
    long_ago_s = time.time() - 30 * DAY_S - 60
    os.utime(folder / "outbox" / "waiting" / name, (long_ago_s, long_ago_s))


def test_what_waited_for_too_long_is_destroyed_and_recorded(tidy: Removal, tmp_path: Path) -> None:
    grow_old(tmp_path)
    tidy.round()
    assert FIRST not in tidy.outbox.names()
    assert records(tmp_path, Happening.EVENT_LAPSED) == [{"name": FIRST}]


def test_an_event_is_destroyed_only_once_the_ledger_says_that_it_lapsed(
    tidy: Removal, tmp_path: Path
) -> None:
    grow_old(tmp_path)
    tidy.ledger = FullAtFirst(tmp_path, Program.WATCH)
    tidy.ledger.outbox, tidy.ledger.code = tidy.outbox, EIO
    with pytest.raises(OSError, match="Input/output"):
        tidy.round()
    assert len(tidy.outbox.names()) == 3


def test_a_broken_file_is_destroyed_after_the_retention_too(tidy: Removal, tmp_path: Path) -> None:
    tidy.outbox.set_aside(FIRST)
    (broken,) = (tmp_path / "outbox" / "broken").iterdir()
    os.utime(broken, (time.time() - 31 * DAY_S,) * 2)
    tidy.round()
    assert records(tmp_path, Happening.EVENT_LAPSED) == [{"name": broken.name}]
    assert not broken.exists()


def test_while_no_time_server_has_set_the_clock_nothing_is_too_old(
    tidy: Removal, tmp_path: Path
) -> None:
    grow_old(tmp_path)
    tidy.utc_s = lambda: None
    tidy.round()
    assert len(tidy.outbox.names()) == 3


def test_before_any_list_was_verified_nothing_is_too_old(tidy: Removal, tmp_path: Path) -> None:
    grow_old(tmp_path)
    (tmp_path / "outbox" / "terms").unlink()
    tidy.round()
    assert len(tidy.outbox.names()) == 3
