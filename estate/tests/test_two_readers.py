"""The outsiders' verifier and the site's own reader give one answer on every line of the books."""

from itertools import chain

import pytest

from estate.accounts import verify
from estate.tests.two_readers import (
    CORPUS,
    KINDS,
    differences,
    mutations,
    outsider_reads,
    site_reads,
)
from formats import strict_json
from formats.ledger import BODY_LIMIT, LINE_LIMIT, Happening, Program

CASES = [
    pytest.param(kind, text, judged == "good", id=f"{kind}: {judged}: {why}")
    for kind in KINDS
    for judged, texts in CORPUS[kind].items()
    for why, text in texts.items()
]


@pytest.mark.parametrize(("kind", "text", "good"), CASES)
def test_the_sites_reader_judges_the_line_as_its_reason_says(
    kind: str, text: str, *, good: bool
) -> None:
    assert site_reads(kind, text.encode()) is good


@pytest.mark.parametrize(("kind", "text", "good"), CASES)
def test_the_outsiders_reader_judges_the_line_as_its_reason_says(
    kind: str, text: str, *, good: bool
) -> None:
    assert outsider_reads(kind, text.encode()) is good


def test_the_two_readers_agree_on_every_changed_line() -> None:
    assert differences(10_000, seed=7) == []


def test_changed_lines_are_of_both_sorts() -> None:
    read = [outsider_reads(kind, data) for kind, data in mutations(600, seed=7)]
    assert 20 < sum(read) < 580


def test_the_two_readers_know_the_same_words_and_limits() -> None:
    assert list(verify.PROGRAMS) == list(Program)
    assert list(verify.EVENTS) == list(Happening)
    assert (verify.LINE_LIMIT, verify.INT_LIMIT) == (LINE_LIMIT, strict_json.INT_LIMIT)
    assert verify.BODY_LIMIT == BODY_LIMIT


def test_the_two_readers_print_the_same_characters() -> None:
    assert verify.UNPRINTABLE.pattern == strict_json.UNPRINTABLE.pattern


def test_what_was_printable_in_python_3_11_is_printable() -> None:
    # Its Unicode is 14.0; a later Python prints more.
    planes = chain(range(0x32000), range(0xE0000, 0x110000))
    refused = [
        code for code in planes if chr(code).isprintable() > strict_json.is_printable(chr(code))
    ]
    assert refused == []


@pytest.mark.parametrize(
    "code", [0x00, 0x7F, 0xA0, 0x200B, 0x202E, 0x2028, 0xE000, 0xFEFF, 0xE0041]
)
def test_what_nobody_sees_is_not_printable(code: int) -> None:
    assert not strict_json.is_printable(f"a{chr(code)}b")
