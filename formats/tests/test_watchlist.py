"""The list body: exact to the byte, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import Malformed
from formats.watchlist import HANDLE_BYTES, Body, read_body, write_body

HANDLES = st.sets(st.binary(min_size=HANDLE_BYTES, max_size=HANDLE_BYTES), max_size=8)
TWO = Body(dim=3, handles=bytes([1]) * 16 + bytes([2]) * 16, templates=b"ab\x7f\x81ef")
HEAD = 16


def templates_of(dim: int) -> st.SearchStrategy[bytes]:
    """Draw components of any value but -128, of which one is +127 or -127."""
    components = st.lists(st.integers(-127, 127), min_size=dim, max_size=dim)

    def peaked(row: list[int], at: int, peak: int) -> bytes:
        row[at] = peak
        return b"".join(one.to_bytes(1, signed=True) for one in row)

    return st.builds(peaked, components, st.integers(0, dim - 1), st.sampled_from([127, -127]))


@given(HANDLES, st.integers(1, 32), st.data())
def test_a_body_reads_as_it_was_written(handles: set[bytes], dim: int, data: st.DataObject) -> None:
    templates = b"".join(data.draw(templates_of(dim)) for _ in handles)
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
    expected = "54414c4c594c5354" + "02000000" + "03000000" + "01" * 16 + "02" * 16 + "61627f816566"
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
        Body(1, bytes([2]) * 16 + bytes([1]) * 16, b"\x7f\x7f")


def test_a_person_with_two_templates_has_two_rows() -> None:
    body = Body(1, bytes([1]) * 32, b"\x7f\x81")
    assert (len(body), read_body(write_body(body))) == (2, body)


def test_a_handle_without_a_template_is_refused() -> None:
    with pytest.raises(Malformed, match="one template for each"):
        Body(2, bytes([1]) * 16, b"a")


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(bytes(3), id="of no length"),
        pytest.param(b"\x7e\x82\x00", id="not stretched"),
        pytest.param(b"\x7f\x80\x00", id="beyond the scale"),
    ],
)
def test_a_row_that_no_embedder_makes_is_refused(row: bytes) -> None:
    good = b"\x7f\x00\x00"
    for rows in (row + good, good + row):
        with pytest.raises(Malformed, match="component of 127"):
            Body(3, bytes([1]) * 16 + bytes([2]) * 16, rows)


def test_templates_without_components_are_refused() -> None:
    with pytest.raises(Malformed, match="without components"):
        Body(0, b"", b"")


def test_a_body_prints_no_template() -> None:
    assert repr(TWO) == "Body(dim=3)"
