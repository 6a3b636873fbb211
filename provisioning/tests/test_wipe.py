"""Wiping a card: nothing of the data partition is left, and the card does not boot."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.errors import FlashRefused
from provisioning.flash.block_devices import Target, choose
from provisioning.flash.card import Progress
from provisioning.flash.wipe import data_partition, wipe_card

LAYOUT = """label: gpt
unit: sectors
start=2048, size=2048, name=bootfs
start=4096, size=20480, name=data
"""
SECRET = b"a key, a name, a face"


@pytest.fixture
def used(tmp_path: Path) -> Target:
    """Return a card with secrets in its data partition, one behind the end that the table says."""
    path = tmp_path / "card"
    with path.open("wb") as file:
        file.truncate(13 << 20)
    subprocess.run(["/usr/sbin/sfdisk", "-q", str(path)], input=LAYOUT.encode(), check=True)
    with path.open("r+b") as file:
        for sector in (2048, 4096, 14336, 24574, 26620):
            file.seek(sector * 512)
            file.write(SECRET)
    return choose([str(path)], [])[0]


def nothing(_phase: str, _done: int) -> None:
    """Watch nothing."""


def wipe(target: Target, watch: Progress) -> None:
    wipe_card(target, data_partition(target), watch)


def test_nothing_of_the_data_is_left_and_the_image_stays(used: Target) -> None:
    wipe(used, nothing)
    content = Path(used.path).read_bytes()
    assert not any(content[4096 * 512 :])
    assert not any(content[:4096])
    assert content[2048 * 512 :].startswith(SECRET), "more than the data partition was wiped"


def test_a_card_that_was_wiped_or_is_no_cameras_is_refused(used: Target, tmp_path: Path) -> None:
    wipe(used, nothing)
    with pytest.raises(FlashRefused, match="wiped before"):
        wipe(used, nothing)
    (tmp_path / "holiday").write_bytes(b"pictures")
    with pytest.raises(FlashRefused, match="no camera's card"):
        wipe(choose([str(tmp_path / "holiday")], [])[0], nothing)
    assert (tmp_path / "holiday").read_bytes() == b"pictures"


def test_a_wipe_that_was_cut_off_is_done_again(used: Target) -> None:
    def cut(_phase: str, _done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wipe(used, cut)
    wipe(used, nothing)
    assert SECRET not in Path(used.path).read_bytes()[4096 * 512 :]


def test_a_card_that_does_not_keep_the_zeros_is_to_be_broken(used: Target) -> None:
    def wear(phase: str, done: int) -> None:
        if phase == "overwriting" and done == (13 << 20) - 4096 * 512:
            with Path(used.path).open("r+b") as file:
                file.seek(14336 * 512)
                file.write(SECRET)

    with pytest.raises(FlashRefused, match="break the card"):
        wipe(used, wear)


def lay_out(target: Target, *parts: str) -> None:
    text = "label: gpt\nunit: sectors\n" + "".join(f"{part}\n" for part in parts)
    subprocess.run(["/usr/sbin/sfdisk", "-q", target.path], input=text.encode(), check=True)


def test_the_last_sector_is_wiped_also_of_a_partition_that_ends_within_a_block(
    used: Target,
) -> None:
    lay_out(used, "start=4097, size=20483, name=data")
    with Path(used.path).open("r+b") as file:
        file.seek(24579 * 512)
        file.write(SECRET)
    wipe(used, nothing)
    assert SECRET not in Path(used.path).read_bytes()[4097 * 512 :]


def test_what_was_not_shown_is_not_wiped(used: Target) -> None:
    shown = data_partition(used)
    with pytest.raises(FlashRefused, match="exchanged after it was shown"):
        wipe_card(used, replace(shown, size=shown.size - 4096), nothing)
    lay_out(used, "start=2048, size=2048, name=data", "start=4096, size=20480, name=data")
    with pytest.raises(FlashRefused, match="2 data partitions"):
        data_partition(used)
    assert SECRET in Path(used.path).read_bytes()
