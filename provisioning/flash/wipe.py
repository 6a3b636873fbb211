"""Wipe a camera's card: overwrite the whole data partition, read it back, destroy the first block.

The data partition holds all that a camera knows: keys, list, events, ledgers. On a camera it
reaches to the end of the card, also where the partition table says less (`grow`). What lies
before it is the image, which is public. Every byte of the partition is overwritten with zeros and
read back past the page cache. Without its first block the card does not boot. Cells that the
controller of the card put out of use before cannot be reached; the encryption of the partition
covers them.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from provisioning.errors import FlashRefused
from provisioning.flash.block_devices import Target
from provisioning.flash.block_map import BLOCK
from provisioning.flash.card import OpenCard, Progress, open_card
from provisioning.flash.image import CHUNK

DATA: Final = "data"
"""Name of the partition that holds a camera's state (provisioning/device/image)."""
SECTOR: Final = 512
"""Unit of a partition table, as the image's recipe writes it, in bytes."""
SFDISK_S: Final = 30
"""Longest time of sfdisk, in seconds."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition by its place on the card, in bytes."""

    start: int
    size: int


def data_partition(target: Target) -> Partition:
    """Return where the data partition lies on a card that the image's recipe laid out.

    Raises:
        FlashRefused: the card has no such partition: it is no camera's card, or was wiped before.
    """
    program = shutil.which("sfdisk", path="/usr/sbin:/sbin:/usr/bin")
    if program is None:
        raise FlashRefused("sfdisk is missing: install the package fdisk.")
    try:
        done = subprocess.run(  # noqa: S603  # sfdisk, with the path of a card.
            [program, "-J", target.path], capture_output=True, timeout=SFDISK_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FlashRefused(
            f"{target.path} gave no answer in {SFDISK_S} s: put the card into another reader."
        ) from error
    text = done.stdout.decode(errors="replace")  # A card's names can be any bytes.
    table = json.loads(text)["partitiontable"] if not done.returncode else {}
    found = [part for part in table.get("partitions", ()) if part.get("name") == DATA]
    if not found:
        raise FlashRefused(
            f"{target.path} has no data partition: it is no camera's card, or it was wiped before."
        )
    if len(found) > 1:
        raise FlashRefused(
            f"{target.path} has {len(found)} data partitions, and a camera's has one: break the "
            "card."
        )
    start = int(found[0]["start"])
    behind = [part["start"] for part in table["partitions"] if part["start"] > start]
    begin, end = start * SECTOR // BLOCK * BLOCK, min(behind) * SECTOR if behind else target.size
    end = -(-end // BLOCK) * BLOCK
    return Partition(begin, (min(end, target.size) if target.number else end) - begin)


def wipe_card(target: Target, part: Partition, progress: Progress) -> None:
    """Overwrite the data partition of a card, and the card's first block.

    Args:
        target: the card.
        part: its data partition, as the person was shown it.
        progress: told the phase, and how many bytes of it are done.

    Raises:
        FlashRefused: the card is no camera's, was exchanged, or does not give back zeros.
        OSError: the card was pulled out, or is worn.
    """
    if data_partition(target) != part:
        raise FlashRefused(f"{target.path} was exchanged after it was shown: begin again.")
    with open_card(target, part.start + part.size) as card:
        for offset, size in _pieces(part):
            card.write(offset, bytes(size))
            progress("overwriting", offset + size - part.start)
        card.settle()
        _refuse_remains(card, target, part, progress)
        card.write(0, bytes(BLOCK))
        card.settle()


def _refuse_remains(card: OpenCard, target: Target, part: Partition, progress: Progress) -> None:
    for offset, size in _pieces(part):
        if card.read(offset, size) != bytes(size):
            raise FlashRefused(
                f"{target.path} does not give back the zeros that were written: break the card."
            )
        progress("reading back", offset + size - part.start)


def _pieces(part: Partition) -> list[tuple[int, int]]:
    """Return offset and size of each piece, `CHUNK` bytes at most."""
    end = part.start + part.size
    return [(offset, min(CHUNK, end - offset)) for offset in range(part.start, end, CHUNK)]
