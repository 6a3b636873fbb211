"""The data partition of a card that is larger than the image: the real script on a loop device."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.tests.boot_card import SCRIPTS

MIB = 2048
"""In sectors."""
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("resizepart") is None, reason="loop devices are root's"
)


def run(*words: str | Path) -> str:
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.strip()


@pytest.fixture
def card(tmp_path: Path) -> Path:
    card = tmp_path / "card"
    with card.open("wb") as file:
        file.truncate(64 << 20)
    return card


@pytest.fixture
def device(card: Path) -> Iterator[str]:
    """A card of 64 MiB with the layout of an image of 8 MiB; another partition is in use."""
    attach = ["losetup", "-f", "--show", str(card)]
    made = subprocess.run(attach, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip("there is no free loop device")
    device = made.stdout.strip()
    try:
        run("addpart", device, "1", str(MIB), str(2 * MIB))
        run("addpart", device, "2", str(3 * MIB), str(5 * MIB))
        yield device
    finally:
        run("delpart", device, "1")
        run("delpart", device, "2")
        run("losetup", "-d", device)


def size(device: str) -> int:
    return int(Path(f"/sys/class/block/{device.rpartition('/')[2]}p2/size").read_text())


def grow(device: str) -> None:
    run(SCRIPTS / "grow", f"{device}p2")


def test_the_data_partition_reaches_to_the_last_but_one_mib_of_the_card(device: str) -> None:
    grow(device)
    assert size(device) == (64 - 3 - 1) * MIB


def test_a_second_boot_changes_nothing(device: str) -> None:
    grow(device)
    grow(device)
    assert size(device) == (64 - 3 - 1) * MIB


def test_a_power_cut_can_break_nothing_because_nothing_is_written(device: str, card: Path) -> None:
    grow(device)
    assert not any(card.read_bytes())


def test_a_partition_that_reaches_to_the_end_is_not_made_smaller(device: str) -> None:
    run("resizepart", device, "2", str(61 * MIB))
    grow(device)
    assert size(device) == 61 * MIB


def test_what_is_no_partition_is_refused(device: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(SCRIPTS / "grow", device)
