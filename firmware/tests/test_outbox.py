"""The outbox on a real disk, with the power cut at every step."""

import os
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nacl.public import PrivateKey

from firmware.delivery.marks import Link, Terms
from firmware.delivery.names import draft_name
from firmware.delivery.outbox import DAY_S, Outbox, Recovered
from firmware.delivery.waiting import LARGEST, WaitingEvents
from firmware.errors import OutboxFull
from firmware.folder import Folder
from firmware.tests.lost_writes import Disk, write_back
from firmware.tests.outbox_events import BOOT, KEY, event
from firmware.tests.power_cut import cut
from formats.envelope import NO_PREVIOUS, Kind, Origin, TimeQuality, seal, wire_size

STEPS_OF_PUT = 9
STEPS_OF_REMOVE = 17


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path)


def test_what_is_put_is_there(outbox: Outbox) -> None:
    sealed, link = event(1)
    outbox.put(sealed, link)
    assert [outbox.read_sealed(name) for name in outbox.names()] == [sealed]


def test_a_new_outbox_has_no_newest_event(outbox: Outbox) -> None:
    assert outbox.recover() == Recovered(None, ())


def test_the_newest_event_survives_a_restart(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put(*event(1))
    sealed, link = event(2)
    outbox.put(sealed, link)
    assert Outbox(tmp_path).recover() == Recovered(link, ())


def test_the_newest_event_is_known_even_when_it_was_removed(outbox: Outbox) -> None:
    sealed, link = event(1)
    outbox.put(sealed, link)
    outbox.remove(*outbox.names())
    assert (outbox.names(), outbox.recover().link) == ([], link)


def test_names_are_in_order_of_the_events(outbox: Outbox) -> None:
    for number in (9, 10, 2, 100):
        outbox.put(*event(number))
    assert [outbox.read_sealed(name).header.sequence for name in outbox.names()] == [2, 9, 10, 100]


@pytest.mark.parametrize("step", range(1, STEPS_OF_PUT + 1))
def test_a_power_cut_leaves_an_event_whole_or_not_at_all(
    outbox: Outbox, tmp_path: Path, step: int
) -> None:
    first, second = event(1), event(2)
    outbox.put(*first)
    assert cut(step, lambda: outbox.put(*second))
    after = Outbox(tmp_path)
    link = after.recover().link
    assert link in {first[1], second[1]}
    kept = [after.read_sealed(name).digest for name in after.names()]
    assert kept == [first[0].digest, second[0].digest][: link.number]
    assert not list((tmp_path / "part").iterdir())


def test_a_put_has_no_further_steps(outbox: Outbox) -> None:
    outbox.room()
    assert not cut(STEPS_OF_PUT + 1, lambda: outbox.put(*event(1)))


@pytest.mark.parametrize("step", range(1, STEPS_OF_PUT + 1))
def test_the_chain_goes_on_after_a_power_cut(outbox: Outbox, tmp_path: Path, step: int) -> None:
    first = event(1)
    outbox.put(*first)
    cut(step, lambda: outbox.put(*event(2, first[0].digest)))
    after = Outbox(tmp_path)
    link = after.recover().link
    assert link is not None
    after.put(*event(link.number + 1, link.digest))
    headers = [after.read_sealed(name) for name in after.names()]
    assert [one.header.previous for one in headers[1:]] == [one.digest for one in headers[:-1]]


@pytest.mark.parametrize("length", [0, 1, 33_202])
def test_half_an_event_is_dropped(outbox: Outbox, tmp_path: Path, length: int) -> None:
    outbox.put(*event(1))
    sealed, link = event(2)
    (tmp_path / "part" / draft_name(link)).write_bytes(sealed.blob[:length])
    outbox.recover()
    assert outbox.names() == ["000000000001"]
    assert not list((tmp_path / "part").iterdir())


def test_a_draft_with_a_hole_is_dropped(outbox: Outbox, tmp_path: Path) -> None:
    sealed, link = event(1)
    torn = sealed.blob[:8192] + bytes(4096) + sealed.blob[12288:]
    (tmp_path / "part" / draft_name(link)).write_bytes(torn)
    assert outbox.recover() == Recovered(None, ())


def test_a_power_cut_that_loses_what_was_not_synced_leaves_an_event_whole_or_not_at_all(
    tmp_path: Path,
) -> None:
    before = tmp_path / "before"
    outbox, first, second = Outbox(before), event(1), event(2)
    outbox.put(*first)
    outbox.recover()
    links = []
    for at, left in enumerate(Disk(before).after_each_fsync(lambda: outbox.put(*second))):
        after = Outbox(write_back(left, tmp_path / str(at)))
        link, set_aside = after.recover()
        links.append(link)
        assert set_aside == ()
        kept = [after.read_sealed(name).digest for name in after.names()]
        assert link is not None
        assert kept == [first[0].digest, second[0].digest][: link.number]
    assert links == [first[1], first[1], second[1]]


def test_a_power_cut_that_loses_what_was_not_synced_brings_back_no_removed_event_broken(
    tmp_path: Path,
) -> None:
    before = tmp_path / "before"
    outbox, first, second = Outbox(before), event(1), event(2)
    outbox.recover()
    outbox.put(*first)
    outbox.put(*second)
    for at, left in enumerate(Disk(before).after_each_fsync(lambda: outbox.remove("000000000002"))):
        after = Outbox(write_back(left, tmp_path / str(at)))
        assert after.recover() == Recovered(second[1], ())
        assert after.set_aside_broken(KEY.verify_key) == []


def test_an_event_takes_two_fsyncs(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fsyncs = counted(monkeypatch, os, "fsync")
    outbox.put(*event(1))
    assert len(fsyncs) == 2


def test_the_chains_are_written_once_for_many_removals(outbox: Outbox, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        outbox.put(*event(number))
    outbox.remove("000000000001")
    written = (tmp_path / "chain").stat().st_ino
    outbox.remove("000000000002")
    outbox.remove("000000000003")
    assert (tmp_path / "chain").stat().st_ino == written


def test_an_event_that_the_version_before_was_writing_at_a_power_cut_is_kept(
    outbox: Outbox, tmp_path: Path
) -> None:
    sealed, link = event(1)
    outbox.set_link(link)
    (tmp_path / "part" / "000000000001").write_bytes(sealed.blob)
    assert outbox.recover() == Recovered(link, ())
    assert outbox.names() == ["000000000001"]


@pytest.mark.parametrize("waiting", [10, 1000])
def test_the_work_of_an_event_does_not_grow_with_what_waits(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    for number in range(1, waiting + 1):
        (tmp_path / "waiting" / f"{number:012d}").touch()
    outbox.room()
    outbox.lapsed(30, time.time())
    looks = counted(monkeypatch, Folder, "status") + counted(monkeypatch, Folder, "names")
    outbox.put(*event(waiting + 1))
    assert outbox.room().waiting == waiting + 1
    outbox.remove(f"{waiting + 1:012d}")
    assert outbox.room().waiting == waiting
    assert outbox.lapsed(30, time.time()) == []
    assert len(looks) < 20


def counted(patch: pytest.MonkeyPatch, owner: Any, name: str) -> list[object]:  # noqa: ANN401
    """Return a list that grows by one with each call of a function."""
    calls: list[object] = []
    function = getattr(owner, name)

    def counting(*arguments: object, **named: object) -> object:
        calls.append(arguments)
        return function(*arguments, **named)

    patch.setattr(owner, name, counting)
    return calls


@pytest.mark.parametrize("step", range(1, STEPS_OF_REMOVE + 1))
def test_a_power_cut_while_removing_leaves_the_event_whole_or_gone(
    outbox: Outbox, step: int
) -> None:
    sealed, link = event(1)
    outbox.put(sealed, link)
    (name,) = outbox.names()
    assert cut(step, lambda: outbox.remove(name))
    assert [outbox.read_sealed(name) for name in outbox.names()] in ([], [sealed])


def test_a_full_outbox_refuses(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, limit_bytes=LARGEST + wire_size(Kind.EVENT, 2) - 1)
    outbox.room()
    outbox.put(*event(1))
    with pytest.raises(OutboxFull, match="receipts"):
        outbox.room()


def test_a_receipt_makes_room(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, limit_bytes=LARGEST)
    outbox.put(*event(1))
    outbox.remove(*outbox.names())
    outbox.room()


def test_room_is_kept_for_the_largest_event() -> None:
    many = [PrivateKey.generate().public_key for _ in range(64)]
    origin = Origin(BOOT, 1, 1, TimeQuality.SYNCHRONISED, NO_PREVIOUS)
    sealed = seal(Kind.EVENT, b"", sender=KEY, recipients=many, origin=origin)
    assert len(sealed.blob) == LARGEST


def test_a_link_is_read_as_it_was_written() -> None:
    link = Link(7, bytes(range(16)), 3, bytes(range(32)))
    assert Link.from_bytes(link.to_bytes()) == link
    assert Link.from_bytes(replace(link, number=8).to_bytes()) != link


def test_no_terms_are_known_at_first(outbox: Outbox) -> None:
    assert outbox.terms() is None


def test_the_terms_survive_a_restart(outbox: Outbox, tmp_path: Path) -> None:
    terms = Terms(bytes(range(32)), 30)
    outbox.set_terms(terms)
    assert Outbox(tmp_path).terms() == terms


def test_a_removed_event_is_overwritten_where_it_lay(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put(*event(1))
    with (tmp_path / "waiting" / "000000000001").open("rb") as lay_there:
        outbox.remove("000000000001")
        content = lay_there.read()
    assert len(content) == content.count(0) == wire_size(Kind.EVENT, 2)


def test_what_waited_for_too_long_has_lapsed(outbox: Outbox, tmp_path: Path) -> None:
    for number in (1, 2):
        outbox.put(*event(number))
    long_ago_s = time.time() - 30 * DAY_S - 60
    os.utime(tmp_path / "waiting" / "000000000001", (long_ago_s, long_ago_s))
    assert outbox.lapsed(30, time.time()) == ["000000000001"]


def test_what_was_written_before_the_clock_was_set_is_kept_from_now_on(
    outbox: Outbox, tmp_path: Path
) -> None:
    outbox.put(*event(1))
    os.utime(tmp_path / "waiting" / "000000000001", (60, 60))
    assert outbox.lapsed(30, time.time()) == []
    assert outbox.lapsed(30, time.time()) == []
    assert outbox.lapsed(30, time.time() + 31 * DAY_S) == ["000000000001"]


def test_watch_and_courier_do_not_disturb_each_other(tmp_path: Path) -> None:
    outbox, waiting = Outbox(tmp_path), WaitingEvents(tmp_path)
    stop = threading.Event()
    errors: list[Exception] = []

    def courier() -> None:
        try:
            while not stop.is_set():
                for name in waiting.names():
                    with suppress(FileNotFoundError):
                        waiting.read_sealed(name)
                waiting.measure()
        except Exception as error:  # noqa: BLE001  # The test must see every error.
            errors.append(error)

    reading = threading.Thread(target=courier)
    reading.start()
    for number in range(1, 150):
        outbox.room()
        outbox.recover()
        outbox.put(*event(number))
        outbox.remove(*outbox.names())
    stop.set()
    reading.join()
    assert errors == []


def test_what_was_leaving_at_a_power_cut_is_gone_at_the_next_start(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.put(*event(1))
    (name,) = outbox.names()
    (tmp_path / "waiting" / name).rename(tmp_path / "leaving" / name)
    outbox.recover()
    assert list((tmp_path / "leaving").iterdir()) == []
