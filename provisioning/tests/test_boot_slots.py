"""RAUC's back-end, the boot state, and the choice of the initial RAM disk: the real scripts."""

import subprocess
from pathlib import Path

import pytest

from provisioning.device.boot.boot_rom import chosen_partition
from provisioning.errors import BootRefused
from provisioning.tests.boot_card import BOOT, BootCard, make_bootfs, new_card, read_autoboot


@pytest.fixture(scope="module")
def bootfs(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_bootfs(tmp_path_factory.mktemp("bootfs") / "bootfs.img")


@pytest.fixture
def card(tmp_path: Path, bootfs: bytes) -> BootCard:
    return new_card(tmp_path / "camera", bootfs)


def install_other(card: BootCard, other: str) -> None:
    """What RAUC asks of its back-end when it installs a bundle."""
    card.slots("set-state", other, "bad")
    card.slots("set-primary", other)


def test_a_new_card_boots_slot_a_and_makes_its_data_partition(card: BootCard) -> None:
    assert chosen_partition(read_autoboot(card.bootfs), tryboot=False) == 2
    assert card.slots("get-primary") == "A"
    assert (card.state("bad"), card.state("data")) == ("B", "new")


def test_bootfs_has_the_same_bytes_each_time(bootfs: bytes, tmp_path: Path) -> None:
    assert make_bootfs(tmp_path / "again.img") == bootfs


def test_an_install_commits_nothing_and_asks_for_one_try(card: BootCard) -> None:
    before = card.autoboot.read_bytes()
    install_other(card, "B")
    assert card.slots("get-primary") == "B"
    assert card.asks_for_tryboot()
    assert card.autoboot.read_bytes() == before


def test_a_slot_that_is_good_is_committed_in_place_within_one_sector(card: BootCard) -> None:
    install_other(card, "B")
    card.runs("B")
    inode = card.autoboot.stat().st_ino
    card.slots("set-state", "B", "good")
    content = card.autoboot.read_bytes()
    assert card.autoboot.stat().st_ino == inode
    assert len(content) <= 512
    assert chosen_partition(content, tryboot=False) == 3
    assert chosen_partition(content, tryboot=True) == 2
    assert (card.slots("get-primary"), card.state("bad")) == ("B", "-")


def test_only_the_slot_that_runs_is_committed(card: BootCard) -> None:
    install_other(card, "B")
    with pytest.raises(ValueError, match="slot B does not run"):
        card.slots("set-state", "B", "good")
    assert card.slots("get-primary") == "B"  # The try still comes.
    assert chosen_partition(card.autoboot.read_bytes(), tryboot=False) == 2


def test_the_committed_slot_is_not_marked_bad(card: BootCard) -> None:
    with pytest.raises(ValueError, match="committed one"):
        card.slots("set-state", "A", "bad")


def test_back_to_the_committed_slot_takes_the_try_back(card: BootCard) -> None:
    install_other(card, "B")
    card.slots("set-primary", "A")
    assert not card.asks_for_tryboot()


@pytest.mark.parametrize("words", [("set-primary", "C"), ("get-state",), ("set-state", "A", "x")])
def test_what_is_no_slot_or_state_is_refused(card: BootCard, words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="slots: "):
        card.slots(*words)


def test_a_broken_autoboot_is_refused_by_camera_and_boot_rom(card: BootCard) -> None:
    card.autoboot.write_bytes(b"\0" * 512)
    with pytest.raises(ValueError, match="flash the card again"):
        card.slots("get-primary")
    with pytest.raises(BootRefused):
        chosen_partition(card.autoboot.read_bytes(), tryboot=False)


def test_the_boot_state_leaves_the_fat_as_it_was(card: BootCard, bootfs: bytes) -> None:
    card.slots("set-state", "B", "bad")
    card.choice("A", tryboot=False, reset="warm")
    after = card.bootfs.read_bytes()
    assert after != bootfs
    assert after[: 3 * 512] == bootfs[: 3 * 512]
    assert after[4 * 512 :] == bootfs[4 * 512 :]
    check = subprocess.run(["fsck.vfat", "-n", card.bootfs], capture_output=True, check=False)
    assert check.returncode == 0


@pytest.mark.parametrize(
    "sector", [b"", b"\xff" * 512, b"TALLYLIGHT tries=9 bad=C data=new", b"TALLYLIGHT tries=99"]
)
def test_a_broken_boot_state_makes_no_data_partition_anew(card: BootCard, sector: bytes) -> None:
    content = card.bootfs.read_bytes()
    card.bootfs.write_bytes(content[:1536] + sector.ljust(512, b"\0") + content[2048:])
    assert (card.state("data"), card.state("tries")) == ("made", "0")


def test_a_fat_without_a_free_sector_is_not_written(card: BootCard) -> None:
    content = bytearray(card.bootfs.read_bytes())
    content[14:16] = b"\1\0"
    card.bootfs.write_bytes(content)
    with pytest.raises(ValueError, match="flash the card again"):
        card.choice("A", tryboot=False, reset="warm")
    assert card.bootfs.read_bytes() == content


def test_a_committed_slot_that_rots_is_tried_three_times_and_then_the_other(card: BootCard) -> None:
    install_other(card, "B")
    card.runs("B")
    card.slots("set-state", "B", "good")
    choices = [card.choice("B", tryboot=False, reset="warm") for _ in range(5)]
    assert choices == ["go", "go", "go", "other", "go"]


def test_no_fall_back_to_a_slot_that_was_never_good(card: BootCard) -> None:
    choices = {card.choice("A", tryboot=False, reset="warm") for _ in range(9)}
    assert choices == {"go"}


def test_pulling_the_plug_reaches_no_older_version(card: BootCard) -> None:
    card.slots("set-state", "A", "good")
    card.runs("B")
    card.slots("set-state", "B", "good")
    choices = {card.choice("B", tryboot=False, reset="power") for _ in range(9)}
    assert choices == {"go"}


def test_a_slot_that_gets_ready_is_counted_anew(card: BootCard) -> None:
    card.slots("set-state", "A", "good")
    for _ in range(3):
        card.choice("A", tryboot=False, reset="warm")
    card.slots("set-state", "A", "good")
    assert card.state("tries") == "0"


@pytest.mark.parametrize(("runs", "asked"), [("A", []), ("B", ["--no-block reboot\n"])])
def test_a_trial_that_cannot_open_the_data_partition_is_left_and_a_committed_slot_is_not(
    card: BootCard, tmp_path: Path, runs: str, asked: list[str]
) -> None:
    install_other(card, "B")
    card.runs(runs)
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\n', encoding="ascii")
    systemctl.chmod(0o755)
    subprocess.run(
        [card.top / "usr/lib/tallylight/leave"],
        check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    assert [path.read_text() for path in tmp_path.glob("asked")] == asked


def test_a_data_partition_that_does_not_open_asks_to_leave_the_trial() -> None:
    unit = BOOT / "files/usr/lib/systemd/system/tallylight-data.service"
    assert "OnFailure=tallylight-leave.service\n" in unit.read_text(encoding="ascii")
