"""Real block devices: the kernel's loop devices stand for memory cards. They need root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.errors import FlashRefused
from provisioning.flash.block_devices import Target, choose, read_disks
from provisioning.flash.card import write_card
from provisioning.flash.image import open_image
from provisioning.tests.card_images import BLOCK, write_image

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes loop devices")


@contextmanager
def loop_device(file: Path, size: int) -> Iterator[Path]:
    with file.open("wb") as content:
        content.truncate(size)
    done = subprocess.run(
        ["losetup", "-f", "--show", str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this machine has no loop devices")
    try:
        yield Path(done.stdout.strip())
    finally:
        subprocess.run(["losetup", "-d", done.stdout.strip()], check=True)


def flash(image: Path, target: Target) -> bool:
    with open_image(image) as opened:
        return write_card(opened, target, lambda _phase, _done: None)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_image(tmp_path / "card.img")


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    with loop_device(tmp_path / "medium", 700 * BLOCK) as device:
        yield device


def test_a_device_gets_the_image_and_is_then_left_as_it_is(
    image: Path, card: Path, tmp_path: Path
) -> None:
    (target,) = choose([str(card)], read_disks())
    assert flash(image, target)
    assert not flash(image, target)
    written, wanted = (tmp_path / "medium").read_bytes(), image.read_bytes()
    assert written[100 * BLOCK : 400 * BLOCK] == wanted[100 * BLOCK : 400 * BLOCK]


def test_a_device_that_was_exchanged_is_refused(image: Path, card: Path, tmp_path: Path) -> None:
    (target,) = choose([str(card)], read_disks())
    (tmp_path / "medium").write_bytes(b"\xff" * (700 * BLOCK))
    for other in (replace(target, number=target.number + 1), replace(target, size=1)):
        with pytest.raises(FlashRefused, match="was exchanged after it was shown"):
            flash(image, other)
    assert (tmp_path / "medium").read_bytes() == b"\xff" * (700 * BLOCK)


def test_a_device_that_is_too_small_is_refused(image: Path, tmp_path: Path) -> None:
    with loop_device(tmp_path / "small", 100 * BLOCK) as device:
        (target,) = choose([str(device)], read_disks())
        with pytest.raises(FlashRefused, match="take a larger card"):
            flash(image, target)


def test_a_device_that_is_mounted_is_not_opened(image: Path, card: Path, tmp_path: Path) -> None:
    (target,) = choose([str(card)], read_disks())
    subprocess.run(["mkfs.ext4", "-q", str(card)], check=True)
    place = tmp_path / "place"
    place.mkdir()
    subprocess.run(["mount", str(card), str(place)], check=True)
    try:
        with pytest.raises(FlashRefused, match="eject it first"):
            choose([str(card)], read_disks())
        with pytest.raises(FlashRefused, match="in use or gone"):
            flash(image, target)
    finally:
        subprocess.run(["umount", str(place)], check=True)
