"""The list body: exact to the byte, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import Malformed
from formats.watchlist import HANDLE_BYTES, Body, read_body, write_body

HANDLES = st.sets(st.binary(min_size=HANDLE_BYTES, max_size=HANDLE_BYTES), max_size=8)
TWO = Body(dim=3, handles=bytes([1]) * 16 + bytes([2]) * 16, templates=b"abcdef")
HEAD = 16


@given(HANDLES, st.integers(1, 32), st.data())
def test_a_body_reads_as_it_was_written(handles: set[bytes], dim: int, data: st.DataObject) -> None:
    size = len(handles) * dim
    templates = data.draw(st.binary(min_size=size, max_size=size))
    body = Body(dim, b"".join(sorted(handles)), templates)
    assert read_body(write_body(body)) == body


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    try:
        body = read_body(data)
    except Malformed:
        return
    assert write_body(body) == data


def test_the_bytes_are_those_of_the_table() -> None:
    expected = "54414c4c594c5354" + "02000000" + "03000000" + "01" * 16 + "02" * 16 + "616263646566"
    assert write_body(TWO).hex() == expected


@pytest.mark.parametrize("length", range(len(write_body(TWO))))
def test_a_body_cut_short_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        read_body(write_body(TWO)[:length])


def test_one_byte_too_many_is_refused() -> None:
    with pytest.raises(Malformed, match="exactly the length"):
        read_body(write_body(TWO) + b"\0")


@pytest.mark.parametrize("at", range(HEAD))
def test_a_flipped_byte_in_the_head_is_refused(at: int) -> None:
    flipped = bytearray(write_body(TWO))
    flipped[at] ^= 1
    with pytest.raises(Malformed):
        read_body(bytes(flipped))


def test_more_rows_than_there_are_bytes_for_are_refused() -> None:
    promise = write_body(TWO)[:8] + b"\xff" * 8
    with pytest.raises(Malformed, match="exactly the length"):
        read_body(promise)


def test_handles_out_of_order_are_refused() -> None:
    with pytest.raises(Malformed, match="out of order"):
        Body(1, bytes([2]) * 16 + bytes([1]) * 16, b"ab")


def test_somebody_with_two_templates_has_two_rows() -> None:
    body = Body(1, bytes([1]) * 32, b"ab")
    assert (len(body), read_body(write_body(body))) == (2, body)


def test_a_handle_without_a_template_is_refused() -> None:
    with pytest.raises(Malformed, match="one template for each"):
        Body(2, bytes([1]) * 16, b"a")


def test_templates_without_components_are_refused() -> None:
    with pytest.raises(Malformed, match="without components"):
        Body(0, b"", b"")


def test_a_body_prints_no_template() -> None:
    assert repr(TWO) == "Body(dim=3)"
