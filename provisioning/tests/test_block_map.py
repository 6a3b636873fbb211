"""The block map of a card image is read strictly."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.errors import FlashRefused
from provisioning.flash.block_map import read_block_map
from provisioning.tests.card_images import BLOCK, block_map

DIGEST = hashlib.sha256(b"block").hexdigest()
RANGES = [(0, 2), (5, 5), (8, 20)]
MAP = block_map(30, RANGES, [DIGEST] * 3)


def spans(draw: st.DrawFn) -> list[tuple[int, int]]:
    ends = sorted(draw(st.sets(st.integers(1, 2000), max_size=12)))
    firsts = [0, *(end + 1 for end in ends[:-1])] if ends else [0]
    return [(first, end) for first, end in zip(firsts, ends or [0], strict=True)]


@given(st.composite(spans)())
def test_what_bmaptool_writes_is_read(ranges: list[tuple[int, int]]) -> None:
    found = read_block_map(block_map(2100, ranges, [DIGEST] * len(ranges)))
    assert found.image_bytes == 2100 * BLOCK
    assert [(part.first, part.last) for part in found.ranges] == ranges


@given(st.integers(0, len(MAP) - 1), st.integers(1, 255))
def test_a_map_with_a_changed_byte_is_refused(place: int, change: int) -> None:
    damaged = bytearray(MAP)
    damaged[place] ^= change
    with pytest.raises(FlashRefused):
        read_block_map(bytes(damaged))


@pytest.mark.parametrize(
    "ranges",
    [[(1, 2)], [(0, 2), (2, 3)], [(0, 2), (9, 8)], [(0, 30)], [(0, 0), (5, 99)], []],
    ids=["no block 0", "overlap", "backwards", "behind the end", "far behind it", "none"],
)
def test_ranges_out_of_place_are_refused(ranges: list[tuple[int, int]]) -> None:
    with pytest.raises(FlashRefused):
        read_block_map(block_map(30, ranges, [DIGEST] * len(ranges)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'version="2.0"', b'version="1.4"'),
        (b"> sha256 <", b"> md5 <"),
        (b"> 4096 <", b"> 512 <"),
        (b"> 122880 <", b"> 122881 <"),
        (b"> 17   <", b"> 18   <"),
        (DIGEST.encode(), b"00"),
        (b"<bmap", b"<!DOCTYPE a [<!ENTITY b 'c'>]><bmap"),
        (b"</bmap>", b""),
    ],
)
def test_another_kind_of_map_is_refused_with_what_to_do(old: bytes, new: bytes) -> None:
    with pytest.raises(FlashRefused, match="make it with bmaptool create"):
        read_block_map(MAP.replace(old, new))


def test_a_document_type_hidden_by_another_encoding_is_refused() -> None:
    text = MAP.decode().replace("?>", ' encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]>', 1)
    with pytest.raises(FlashRefused, match="document type"):
        read_block_map(text.encode("utf-16"))
