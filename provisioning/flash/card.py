"""One memory card: written past the page cache, read back from the card, its first block last.

The order: block 0 and the last MiB are cleared, so that a half-written card has no partition table
and does not boot; all ranges are written; the card's buffers are dropped and every range is read
back and compared by digest; block 0 is written last and read back. A card that already holds the
image is found by its block 0 and the same comparison, and is not written again.

A block device is opened exclusively: the kernel refuses one that is mounted or part of an array.
It must still be the device that was shown, by its number and its size.
"""

import fcntl
import hashlib
import mmap
import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from provisioning.errors import FlashRefused
from provisioning.flash.block_devices import Target
from provisioning.flash.block_map import BLOCK, BlockRange
from provisioning.flash.image import CHUNK, CardImage, read_chunks

BLKGETSIZE64: Final = 0x80081272
"""ioctl: the bytes of a block device (linux/fs.h, 64-bit machines)."""
BLKFLSBUF: Final = 0x1261
"""ioctl: drop what the kernel has buffered of a block device (linux/fs.h)."""
TAIL: Final = 1 << 20
"""Bytes that are cleared at the end: where a second partition table (GPT) of earlier use lies."""

Progress = Callable[[str, int], None]
"""Told the phase, `writing` or `reading back`, and how many bytes of it are done."""


@dataclass(frozen=True, slots=True)
class OpenCard:
    """An open card's descriptor, and one aligned buffer of `CHUNK` bytes."""

    descriptor: int
    size: int
    buffer: mmap.mmap

    def write(self, offset: int, content: bytes) -> None:
        """Write whole blocks at `offset`; at the end of the card, what is left of a block."""
        self.buffer[: len(content)] = content
        with memoryview(self.buffer) as view:
            done = 0
            while done < len(content):
                done += os.pwrite(self.descriptor, view[done : len(content)], offset + done)

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes at `offset`; less where the card ends."""
        with memoryview(self.buffer) as view:
            got = os.preadv(self.descriptor, [view[:size]], offset)
            return bytes(view[:got])

    def settle(self) -> None:
        """Wait until everything is on the card, and drop what the kernel has buffered of it."""
        os.fsync(self.descriptor)
        if stat.S_ISBLK(os.fstat(self.descriptor).st_mode):
            fcntl.ioctl(self.descriptor, BLKFLSBUF, 0)
        os.posix_fadvise(self.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def write_card(image: CardImage, target: Target, progress: Progress) -> bool:
    """Write the image onto a card and read it back; return whether it was written.

    False: the card already held the image, which was read back in full.

    Raises:
        FlashRefused: the image is damaged, the card is too small, was exchanged, is in use, or
            does not give back what was written. The card then does not boot.
        OSError: the card was pulled out, or is worn.
    """
    with open_card(target, image.blocks.image_bytes) as card:
        first = _first_block(image)
        if card.read(0, BLOCK) == first and _differing(image, card, first, progress) is None:
            return False
        _clear(card, image.blocks.image_bytes)
        done = 0
        for offset, chunk in read_chunks(image):
            card.write(offset, bytes(BLOCK) + chunk[BLOCK:] if offset == 0 else chunk)
            done += len(chunk)
            progress("writing", done)
        card.settle()
        wrong = _differing(image, card, first, progress)
        if wrong is None:
            card.write(0, first)
            card.settle()
            if card.read(0, BLOCK) != first:
                wrong = image.blocks.ranges[0]
    if wrong is not None:
        raise FlashRefused(
            f"{target.path} does not give back what was written to the blocks {wrong.first} to "
            f"{wrong.last}: throw this card away."
        )
    return True


def _first_block(image: CardImage) -> bytes:
    with image.path.open("rb") as file:
        return file.read(BLOCK)


def _clear(card: OpenCard, image_bytes: int) -> None:
    card.write(0, bytes(BLOCK))
    start = max(image_bytes, card.size - TAIL) // BLOCK * BLOCK
    if start < card.size:
        card.write(start, bytes(card.size - start))
    card.settle()


def _differing(
    image: CardImage, card: OpenCard, first: bytes, progress: Progress
) -> BlockRange | None:
    """Return the first range that the card does not hold, with `first` in place of block 0."""
    done = 0
    for part in image.blocks.ranges:
        digest, offset, end = hashlib.sha256(), part.start, part.start + part.size
        while offset < end:
            chunk = card.read(offset, min(CHUNK, end - offset))
            if not chunk:
                return part
            digest.update(first + chunk[BLOCK:] if offset == 0 else chunk)
            offset += len(chunk)
            done += len(chunk)
            progress("reading back", done)
        if digest.digest() != part.digest:
            return part
    return None


@contextmanager
def open_card(target: Target, image_bytes: int) -> Generator[OpenCard]:
    """Open a card that was shown and yield it; a file is made longer, to whole blocks.

    Raises:
        FlashRefused: it is in use, too small, or another than was shown.
    """
    descriptor = _open(target)
    try:
        size = _shown_size(target, descriptor)
        whole = max(image_bytes, -(-size // BLOCK) * BLOCK)
        if not target.number and size < whole:
            os.truncate(descriptor, whole)
            size = whole
        if size < image_bytes:
            raise FlashRefused(
                f"{target.path} has {size} bytes, and the image needs {image_bytes}: take a larger "
                "card."
            )
        with mmap.mmap(-1, CHUNK) as buffer:
            yield OpenCard(descriptor, size, buffer)
    finally:
        os.close(descriptor)


def _shown_size(target: Target, descriptor: int) -> int:
    """Return the size of the opened card in bytes, if it is the one that was shown."""
    found = os.fstat(descriptor)
    if target.number and stat.S_ISBLK(found.st_mode):
        size = int.from_bytes(fcntl.ioctl(descriptor, BLKGETSIZE64, bytes(8)), "little")
        if (found.st_rdev, size) == (target.number, target.size):
            return size
    elif not target.number and stat.S_ISREG(found.st_mode):
        return found.st_size
    raise FlashRefused(f"{target.path} was exchanged after it was shown: begin again.")


def _open(target: Target) -> int:
    """Open a card for reading and writing, past the page cache where the file system can."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    flags |= os.O_EXCL if target.number else os.O_CREAT
    if (
        target.number and os.geteuid() != 0
    ):  # Others may write a card here and there, not settle it.
        raise FlashRefused(f"{target.path} may be written by root alone: use sudo.")
    try:
        return os.open(target.path, flags | os.O_DIRECT, 0o600)
    except PermissionError as error:
        raise FlashRefused(f"{target.path} may be written by root alone: use sudo.") from error
    except OSError as error:
        if target.number:
            raise FlashRefused(
                f"{target.path} is in use or gone ({error.strerror}): eject it, put it in again."
            ) from error
        return os.open(target.path, flags, 0o600)
