"""Damaged files of the outbox: broken events, chains and terms are found, and set aside."""

import os
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from firmware.delivery.marks import Link, Terms
from firmware.delivery.names import draft_name, name_of
from firmware.delivery.outbox import Outbox, Recovered
from firmware.delivery.waiting import LARGEST
from firmware.errors import ForeignFile, OutboxFull
from firmware.folder import Folder
from firmware.tests.outbox_events import BOOT, KEY, event
from firmware.tests.worn_card import worn_card
from formats.envelope import Kind, wire_size
from formats.errors import FormatError


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path)


def test_a_broken_event_is_refused_and_set_aside_unchanged(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put(*event(1))
    outbox.put(*event(2))
    broken = (tmp_path / "waiting" / "000000000001").read_bytes()[:-1]
    (tmp_path / "waiting" / "000000000001").write_bytes(broken)
    with pytest.raises(FormatError):
        outbox.read_sealed("000000000001")
    outbox.set_aside("000000000001")
    assert outbox.names() == ["000000000002"]
    (aside,) = (tmp_path / "broken").iterdir()
    assert (aside.name.split("-")[0], aside.read_bytes()) == ("000000000001", broken)


def test_an_event_that_the_card_does_not_give_back_stays_and_is_named(outbox: Outbox) -> None:
    for number in (1, 2):
        outbox.put(*event(number))
    with worn_card("000000000001"):
        assert outbox.set_aside_broken(KEY.verify_key) == ["000000000001"]
    assert outbox.set_aside_broken(KEY.verify_key) == []
    assert outbox.names() == ["000000000001", "000000000002"]


@pytest.mark.parametrize("name", ["chain", "chain-copy"])
@pytest.mark.parametrize("content", [b"", b"{}", bytes(200)])
def test_a_broken_chain_is_mended_from_its_copy(
    outbox: Outbox, tmp_path: Path, name: str, content: bytes
) -> None:
    sealed, link = event(1)
    outbox.put(sealed, link)
    outbox.recover()
    (tmp_path / name).write_bytes(content)
    assert outbox.recover() == Recovered(link, (name,))
    assert outbox.recover() == Recovered(link, ())


def test_without_any_chain_the_newest_event_that_waits_continues_it(
    outbox: Outbox, tmp_path: Path
) -> None:
    for number in (1, 2):
        outbox.put(*event(number))
    newest = outbox.read_sealed("000000000002")
    for name in ("chain", "chain-copy"):
        (tmp_path / name).write_bytes(b"broken")
    assert outbox.recover() == Recovered(Link(2, BOOT, 2, newest.digest), ("chain", "chain-copy"))


def test_when_nothing_tells_of_the_chain_it_begins_anew(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put(*event(1))
    outbox.remove("000000000001")
    for name in ("chain", "chain-copy"):
        (tmp_path / name).write_bytes(b"broken")
    assert outbox.recover().link is None


def test_terms_with_any_byte_changed_are_not_believed(outbox: Outbox, tmp_path: Path) -> None:
    outbox.set_terms(Terms(bytes(range(32)), 30))
    written = (tmp_path / "terms").read_bytes()
    for at in range(len(written)):
        damaged = bytearray(written)
        damaged[at] ^= 1 << at % 8
        (tmp_path / "terms").write_bytes(damaged)
        assert outbox.terms() is None


def test_a_chain_with_any_byte_changed_is_not_believed(outbox: Outbox, tmp_path: Path) -> None:
    sealed, link = event(1)
    outbox.put(sealed, link)
    outbox.recover()
    written = (tmp_path / "chain").read_bytes()
    for at in range(len(written)):
        damaged = bytearray(written)
        damaged[at] ^= 1 << at % 8
        (tmp_path / "chain").write_bytes(damaged)
        assert outbox.recover() == Recovered(link, ("chain",))


def test_an_event_with_any_byte_changed_is_set_aside_and_the_rest_stays(
    outbox: Outbox, tmp_path: Path
) -> None:
    outbox.put(*event(1))
    outbox.put(*event(2))
    path = tmp_path / "waiting" / "000000000001"
    written = path.read_bytes()
    for at in range(0, len(written), 97):
        damaged = bytearray(written)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        assert outbox.set_aside_broken(KEY.verify_key) == ["000000000001"]
        assert outbox.names() == ["000000000002"]


@pytest.mark.parametrize("cut", [0, 1, 110, 111, 231, 33_138, 33_202])
def test_a_torn_event_is_set_aside(outbox: Outbox, tmp_path: Path, cut: int) -> None:
    outbox.put(*event(1))
    path = tmp_path / "waiting" / "000000000001"
    path.write_bytes(path.read_bytes()[:cut])
    assert outbox.set_aside_broken(KEY.verify_key) == ["000000000001"]


def test_an_event_of_another_camera_is_set_aside(outbox: Outbox) -> None:
    outbox.put(*event(1))
    stranger = SigningKey(bytes([1]) * 32).verify_key
    assert outbox.set_aside_broken(stranger) == ["000000000001"]


def test_a_named_draft_that_is_broken_is_set_aside(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put(*event(1))
    name = "000000000001"
    (tmp_path / "part" / name).write_bytes(b"torn")
    assert outbox.recover().set_aside == (name,)


def fifo(path: Path, _victim: Path) -> None:
    os.mkfifo(path)


def link_elsewhere(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def looped_link(path: Path, _victim: Path) -> None:
    path.symlink_to(path.name)


def folder(path: Path, _victim: Path) -> None:
    path.mkdir()


def sparse_terabyte(path: Path, _victim: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def hard_link(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


PLANTED = [fifo, link_elsewhere, looped_link, folder, sparse_terabyte, hard_link]


@pytest.fixture
def victim(outbox: Outbox, tmp_path: Path) -> Path:
    assert outbox.names() == []
    path = tmp_path / "victim"
    path.write_bytes(b"a ledger")
    return path


@pytest.mark.timeout(20)
@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize("place", ["waiting/000000000001", "part/000000000001", "leaving/1"])
def test_after_a_restart_the_next_event_takes_the_place_of_what_was_planted(
    outbox: Outbox, tmp_path: Path, victim: Path, plant: Callable[[Path, Path], None], place: str
) -> None:
    plant(tmp_path / place, victim)
    outbox.recover()
    outbox.set_aside_broken(KEY.verify_key)
    assert outbox.room().waiting == 0
    sealed, link = event(1)
    outbox.put(sealed, link)
    assert outbox.read_sealed("000000000001") == sealed
    assert victim.read_bytes() == b"a ledger"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize("place", [".chain.part", "chain", "chain-copy"])
def test_a_removal_follows_nothing_that_was_planted_while_watch_runs(
    outbox: Outbox, tmp_path: Path, victim: Path, plant: Callable[[Path, Path], None], place: str
) -> None:
    outbox.put(*event(1))
    plant(tmp_path / place, victim)
    if plant is folder:
        with pytest.raises(ForeignFile, match="a folder"):
            outbox.remove("000000000001")
    else:
        outbox.remove("000000000001")
        assert outbox.names() == []
    assert victim.read_bytes() == b"a ledger"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize("place", ["part", "waiting"])
def test_a_put_follows_nothing_that_was_planted_while_watch_runs(
    outbox: Outbox, tmp_path: Path, victim: Path, plant: Callable[[Path, Path], None], place: str
) -> None:
    sealed, link = event(1)
    names = {"part": draft_name(link), "waiting": name_of(link)}
    plant(tmp_path / place / names[place], victim)
    if plant is folder:
        with pytest.raises(ForeignFile, match="a folder"):
            outbox.put(sealed, link)
    else:
        outbox.put(sealed, link)
        assert outbox.read_sealed("000000000001") == sealed
    assert victim.read_bytes() == b"a ledger"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize("name", ["chain", "terms"])
def test_a_mark_that_was_planted_is_not_read(
    outbox: Outbox, tmp_path: Path, victim: Path, plant: Callable[[Path, Path], None], name: str
) -> None:
    plant(tmp_path / name, victim)
    assert outbox.terms() is None
    assert outbox.recover() == Recovered(None, ("chain",) if name == "chain" else ())
    assert victim.read_bytes() == b"a ledger"


def test_a_full_disk_does_not_keep_an_event_from_being_removed(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.put(*event(1))

    def full(*_: object, **__: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(Folder, "write", full)
    outbox.remove("000000000001")
    assert outbox.names() == []


def test_a_full_disk_leaves_no_draft(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Folder, name: str, content: bytes) -> None:
        (folder.path / name).write_bytes(content[:100])
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(Folder, "write", full)
    with pytest.raises(OutboxFull, match="full"):
        outbox.put(*event(1))
    assert list((tmp_path / "part").iterdir()) == []


def test_broken_files_count_as_used(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, limit_bytes=LARGEST + wire_size(Kind.EVENT, 2) - 1)
    outbox.put(*event(1))
    outbox.set_aside("000000000001")
    with pytest.raises(OutboxFull):
        outbox.room()
