"""The ledger's chain and checkpoints: an edited, deleted, moved or cut line is found."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import BrokenChain, Forged, Malformed, TooLarge
from formats.ledger import (
    EMPTY,
    Checkpoint,
    Happening,
    Head,
    Program,
    Record,
    next_record,
    sign_checkpoint,
    verify_against,
    verify_chain,
    verify_checkpoint,
)
from formats.strict_json import INT_LIMIT
from formats.tests.make_vectors import FOLDER
from formats.tests.second_encoder import CAMERA, STRANGER

DOCUMENT = Path(__file__).parents[2] / "docs" / "formats"
VECTORS = json.loads((FOLDER / "ledger.json").read_text())
LINES = [line.encode() for line in VECTORS["lines"]]
HEAD = Head(4, sha256(LINES[-1]).digest())
CHECKPOINT = Checkpoint("north-gate/watch", HEAD)

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
BODIES = st.dictionaries(NAMES, st.integers(-INT_LIMIT, INT_LIMIT) | NAMES, max_size=8)
STAMPS = st.integers(0, INT_LIMIT)
ENTRIES = st.lists(st.tuples(STAMPS, STAMPS, st.sampled_from(Happening), BODIES), max_size=6)


def write(
    lines: list[bytes],
    event: Happening,
    body: dict[str, int | str],
    *,
    mono_ns: int = 0,
    utc_ms: int = 0,
) -> None:
    record = next_record(
        lines[-1] if lines else None,
        program=Program.WATCH,
        mono_ns=mono_ns,
        utc_ms=utc_ms,
        event=event,
        body=body,
    )
    lines.append(record.to_line())


@given(ENTRIES)
def test_what_is_written_line_by_line_is_a_chain(
    entries: list[tuple[int, int, Happening, dict[str, int | str]]],
) -> None:
    lines: list[bytes] = []
    for mono_ns, utc_ms, event, body in entries:
        write(lines, event, body, mono_ns=mono_ns, utc_ms=utc_ms)
    head = Head(len(lines), sha256(lines[-1]).digest()) if lines else EMPTY
    assert verify_chain(lines) == head


def test_the_published_ledger_is_a_chain() -> None:
    assert verify_chain(LINES) == HEAD


@pytest.mark.parametrize("line", LINES)
def test_the_published_lines_are_read_and_written(line: bytes) -> None:
    assert Record.from_line(line).to_line() == line


def broken_at(lines: list[bytes]) -> int:
    with pytest.raises(BrokenChain) as caught:
        verify_chain(lines)
    return caught.value.line


def test_an_edited_line_breaks_the_chain_after_it() -> None:
    edited = replace(Record.from_line(LINES[1]), body={"version": 13}).to_line()
    assert broken_at([LINES[0], edited, *LINES[2:]]) == 2


def test_a_line_that_is_no_longer_json_is_the_one_named() -> None:
    assert broken_at([LINES[0], LINES[1][:-1], *LINES[2:]]) == 1


def test_a_deleted_line_breaks_the_chain_where_it_was() -> None:
    assert broken_at([LINES[0], *LINES[2:]]) == 1


def test_a_deleted_first_line_breaks_the_chain() -> None:
    assert broken_at(LINES[1:]) == 0


def test_an_inserted_line_breaks_the_chain_after_it() -> None:
    lines = LINES[:2]
    write(lines, Happening.FAULT, {"code": "invented"})
    assert broken_at([*lines, *LINES[2:]]) == 3


def test_a_repeated_line_breaks_the_chain() -> None:
    assert broken_at([*LINES[:2], *LINES[1:]]) == 2


def test_two_lines_that_changed_places_break_the_chain() -> None:
    assert broken_at([LINES[0], LINES[2], LINES[1], LINES[3]]) == 1


def test_a_line_with_a_wrong_number_breaks_the_chain() -> None:
    misnumbered = replace(Record.from_line(LINES[1]), seq=2).to_line()
    assert broken_at([LINES[0], misnumbered]) == 1


def test_every_flipped_bit_is_noticed() -> None:
    """A change of the last line is found by the checkpoint alone: no line continues it."""
    for number, line in enumerate(LINES):
        for at in range(len(line)):
            flipped = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
            with pytest.raises(BrokenChain):
                verify_against([*LINES[:number], flipped, *LINES[number + 1 :]], CHECKPOINT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seq": -1},
        {"seq": True},
        {"previous": "00"},
        {"program": "review"},
        {"event": "gossip"},
        {"body": {"entry": None}},
        {"body": {"entry": {}}},
        {"body": {f"field {number}": number for number in range(33)}},
        {"note": "extra"},
    ],
    ids=str,
)
def test_a_wrong_record_is_refused(wrong: dict[str, object]) -> None:
    members = {**json.loads(LINES[0]), **wrong}
    line = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(Malformed):
        Record.from_line(line)


def test_a_line_that_is_too_long_is_not_written() -> None:
    with pytest.raises(TooLarge):
        write([], Happening.FAULT, {"code": "x" * 4096})


def test_a_chain_cannot_continue_what_is_not_a_line() -> None:
    with pytest.raises(Malformed):
        write([b"torn by a power cut"], Happening.START, {})


@pytest.mark.parametrize("happening", Happening)
def test_every_happening_is_documented(happening: Happening) -> None:
    assert f"\n| `{happening}` |" in (DOCUMENT / "ledger.md").read_text()


# Checkpoints.


def test_the_published_checkpoint_is_read_and_written() -> None:
    data = VECTORS["checkpoint"].encode()
    assert verify_checkpoint(data, CAMERA.verify_key) == CHECKPOINT
    assert sign_checkpoint(CHECKPOINT, CAMERA) == data


def test_a_checkpoint_of_another_key_is_refused() -> None:
    with pytest.raises(Forged):
        verify_checkpoint(sign_checkpoint(CHECKPOINT, STRANGER), CAMERA.verify_key)


@pytest.mark.parametrize(
    "wrong", [{"size": 3}, {"digest": "00" * 32}, {"origin": "south-gate/watch"}], ids=str
)
def test_an_edited_checkpoint_is_refused(wrong: dict[str, object]) -> None:
    members = {**json.loads(VECTORS["checkpoint"]), **wrong}
    data = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(Forged):
        verify_checkpoint(data, CAMERA.verify_key)


def test_a_checkpoint_of_an_empty_ledger_is_refused() -> None:
    with pytest.raises(Malformed):
        verify_checkpoint(
            sign_checkpoint(Checkpoint("north-gate/watch", EMPTY), CAMERA), CAMERA.verify_key
        )


def test_a_ledger_that_went_on_agrees_with_its_checkpoint() -> None:
    lines = list(LINES)
    write(lines, Happening.START, {})
    verify_against(lines, CHECKPOINT)


def test_a_ledger_that_was_cut_off_does_not_agree() -> None:
    with pytest.raises(BrokenChain, match="signed records: 4") as caught:
        verify_against(LINES[:3], CHECKPOINT)
    assert caught.value.line == 3


def test_another_chain_of_the_same_length_does_not_agree() -> None:
    lines: list[bytes] = []
    for _ in LINES:
        write(lines, Happening.START, {})
    with pytest.raises(BrokenChain, match="not the record that was signed") as caught:
        verify_against(lines, CHECKPOINT)
    assert caught.value.line == 3
