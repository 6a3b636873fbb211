"""The outsiders' verifier finds every changed, missing or inserted record of a ledger."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.accounts import verify
from estate.tests.ledgers import CHANGES, Change, edit_body, first_bad, ledger, spelled
from formats.errors import Malformed
from formats.ledger import Happening, Program, Record, next_record

SIZE = 300


LINES = ledger(SIZE)


ENDS = {SIZE: sha256(LINES[-1]).hexdigest()}


def blamed(lines: list[bytes], ends: dict[int, str] = ENDS) -> int | None:
    """Return the number of the record that the verifier names; None if all are good."""
    try:
        list(verify.records(lines, ends))
    except verify.Bad as bad:
        return bad.record
    return None


def test_the_books_as_they_were_signed_hold() -> None:
    assert blamed(LINES) is None
    assert len(list(verify.records(LINES))) == SIZE


@given(st.sampled_from(CHANGES), st.integers(0, SIZE - 1))
def test_every_change_is_found_and_named(change: Change, at: int) -> None:
    lines = list(LINES)
    change(lines, at)
    assert blamed(lines) == first_bad(change, at, SIZE)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("at", [0, 1, SIZE - 2, SIZE - 1])
def test_every_change_at_an_end_is_found_and_named(change: Change, at: int) -> None:
    lines = list(LINES)
    change(lines, at)
    assert blamed(lines) == first_bad(change, at, SIZE)


LINE = (
    '{"body":{BODY},"event":"stored","mono_ns":1,"previous":"'
    + 64 * "0"
    + '","program":"estate","seq":0,"utc_ms":1}'
)


@pytest.mark.parametrize(
    "body",
    [
        *('"a":1,"a":2', '"b":1,"a":2', '"a":-0', '"a":01', '"a":1.0', '"a": 1', '"a":NaN'),
        *('"a":"\\u0061"', '"a":1,', ',"a":1', '"a":"\\/"', '"a":1e3'),
    ],
)
def test_a_second_spelling_is_refused_as_the_sites_own_reader_does(body: str) -> None:
    line = LINE.replace("BODY", body).encode()
    with pytest.raises(Malformed):
        Record.from_line(line)
    assert blamed([line], {}) == 0


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
        st.integers(-(2**63) + 1, 2**63 - 1)
        | st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
        max_size=6,
    )
)
def test_the_outsider_reads_every_record_that_the_estate_writes(body: dict[str, int | str]) -> None:
    try:
        line = next_record(
            None, program=Program.ESTATE, mono_ns=1, utc_ms=1, event=Happening.STORED, body=body
        ).to_line()
    except Malformed:
        return
    assert blamed([line], {}) is None


def test_a_ledger_that_was_written_anew_is_not_the_one_that_was_signed() -> None:
    other = ledger(SIZE - 1)
    edited = json.loads(other[-1])
    edited["body"]["sequence"] = 7
    other[-1] = spelled(edited)
    last = json.loads(LINES[-1]) | {"previous": sha256(other[-1]).hexdigest()}
    assert blamed([*other, spelled(last)]) == SIZE - 1


def test_what_was_written_after_the_last_checkpoint_is_checked_by_its_chain_alone() -> None:
    lines = ledger(SIZE + 10)
    assert blamed(lines) is None
    edit_body(lines, SIZE + 9)
    assert blamed(lines) is None


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_record_that_fits_under_another_number_is_named(number: int) -> None:
    lines = ledger(3)
    lines[2] = spelled(json.loads(lines[2]) | {"seq": number})
    assert blamed(lines, {}) == 2


def test_a_first_record_that_continues_another_ledger_is_named() -> None:
    lines = ledger(2)
    lines[0] = spelled(json.loads(lines[0]) | {"previous": "ab" * 32})
    lines[1] = spelled(json.loads(lines[1]) | {"previous": sha256(lines[0]).hexdigest()})
    assert blamed(lines, {}) == 0
