"""Card images for tests: drawn bytes with their block map, as `bmaptool create` writes it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

BLOCK = 4096


def write_image(
    path: Path, *, blocks: int = 600, ranges: Sequence[tuple[int, int]] = ((0, 2), (100, 399))
) -> Path:
    """Write an image whose ranges hold drawn bytes, sparse between them, and its block map."""
    drawn = np.random.default_rng(len(ranges))
    digests = []
    with path.open("wb") as file:
        for first, last in ranges:
            content = drawn.bytes((last - first + 1) * BLOCK)
            file.seek(first * BLOCK)
            file.write(content)
            digests.append(hashlib.sha256(content).hexdigest())
        file.truncate(blocks * BLOCK)
    path.with_name(f"{path.name}.bmap").write_bytes(block_map(blocks, ranges, digests))
    return path


def block_map(blocks: int, ranges: Sequence[tuple[int, int]], digests: Sequence[str]) -> bytes:
    """Return the text of a block map with its own checksum."""
    rows = "\n".join(
        f'        <Range chksum="{digest}"> {first}-{last} </Range>'
        for (first, last), digest in zip(ranges, digests, strict=True)
    )
    mapped = sum(last - first + 1 for first, last in ranges)
    text = f"""<?xml version="1.0" ?>
<bmap version="2.0">
    <ImageSize> {blocks * BLOCK} </ImageSize>
    <BlockSize> {BLOCK} </BlockSize>
    <BlocksCount> {blocks} </BlocksCount>
    <MappedBlocksCount> {mapped}   </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <BmapFileChecksum> {"0" * 64} </BmapFileChecksum>
    <BlockMap>
{rows}
    </BlockMap>
</bmap>
"""
    own = hashlib.sha256(text.encode()).hexdigest()
    return text.replace("0" * 64, own, 1).encode()
