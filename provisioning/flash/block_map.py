"""The block map (bmap 2.0) of a card image: which blocks hold data, with the SHA-256 of each range.

`bmaptool create` makes it beside the image. Blocks outside the ranges are not written to a card.
The map is read strictly: ranges ascend, lie in the image, begin with block 0, and add up. Whether
the map itself is the one of a release is not judged here (`provisioning.flash.image`).
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from formats.errors import Malformed
from formats.hexadecimal import read_hex
from provisioning.errors import FlashRefused

MAP_LIMIT: Final = 4 << 20
"""Most bytes of a block map: about 30,000 ranges. The parser takes 70 times as much memory."""
IMAGE_LIMIT: Final = 1 << 40
"""Most bytes of an image: no memory card is larger."""
BLOCK: Final = 4096
"""Bytes of a block: what bmaptool uses, and what an unbuffered write is aligned to."""

SHA256_BYTES: Final = 32

_SPAN: Final = re.compile(r"\s*(\d{1,12})(?:-(\d{1,12}))?\s*")


@dataclass(frozen=True, slots=True)
class BlockRange:
    """Blocks `first` to `last`, both included, and the SHA-256 of their bytes."""

    first: int
    last: int
    digest: bytes

    @property
    def start(self) -> int:
        """Return the offset of the first byte."""
        return self.first * BLOCK

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return (self.last - self.first + 1) * BLOCK


@dataclass(frozen=True, slots=True)
class BlockMap:
    """The size of an image in bytes, and its ranges in ascending order."""

    image_bytes: int
    ranges: tuple[BlockRange, ...]

    @property
    def mapped_bytes(self) -> int:
        """Return how many bytes are written to each card."""
        return sum(part.size for part in self.ranges)


def read_block_map(content: bytes) -> BlockMap:
    """Return the block map in a .bmap file's content.

    Raises:
        FlashRefused: it is no block map of version 2 with SHA-256, or it contradicts itself.
    """
    # Entities can make a small file large. UTF-16, which has bytes of zero, would hide the word.
    if b"<!DOCTYPE" in content or b"\0" in content:
        raise FlashRefused(
            "The block map declares a document type, or is no text: make it with bmaptool create."
        )
    try:
        root = ET.fromstring(content)  # noqa: S314  # No document type, so no entities.
        found = _checked(root)
    except (ET.ParseError, ValueError, LookupError, Malformed) as error:
        raise FlashRefused(
            f"The block map cannot be read ({error}): make it with bmaptool create."
        ) from error
    said = root.findtext("BmapFileChecksum", "").strip()
    blank = content.replace(said.encode(), b"0" * len(said), 1)
    if hashlib.sha256(blank).hexdigest() != said:
        raise FlashRefused("The block map is damaged: copy it again from the release.")
    return found


def _checked(root: ET.Element) -> BlockMap:
    if root.tag != "bmap" or not root.get("version", "").startswith("2."):
        raise ValueError("it is no bmap of version 2")
    if root.findtext("ChecksumType", "").strip() != "sha256":
        raise ValueError("its checksums are not SHA-256")
    if _number(root, "BlockSize") != BLOCK:
        raise ValueError(f"its blocks do not have {BLOCK} bytes")
    image_bytes = _number(root, "ImageSize")
    if not 0 < image_bytes <= IMAGE_LIMIT or image_bytes % BLOCK:
        raise ValueError("the image has no whole number of blocks")
    ranges = tuple(_range(part) for part in root.iterfind("BlockMap/Range"))
    after = 0
    for part in ranges:
        if not after <= part.first <= part.last < image_bytes // BLOCK:
            raise ValueError(f"the range {part.first}-{part.last} is out of place")
        after = part.last + 1
    if not ranges or ranges[0].first != 0:
        raise ValueError("block 0 is missing")
    found = BlockMap(image_bytes, ranges)
    if found.mapped_bytes != _number(root, "MappedBlocksCount") * BLOCK:
        raise ValueError("the ranges do not add up")
    return found


def _number(root: ET.Element, name: str) -> int:
    text = root.findtext(name, "").strip()
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise ValueError(f"{name} is no number")
    return int(text)


def _range(part: ET.Element) -> BlockRange:
    span = _SPAN.fullmatch(part.text or "")
    if span is None:
        raise ValueError("a range is no range")
    first = int(span[1])
    last = int(span[2]) if span[2] else first
    return BlockRange(first, last, read_hex(part.get("chksum"), SHA256_BYTES))
