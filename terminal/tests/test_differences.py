"""What a signer reads: all of it, what changes first, marked with words, in 80 and 40 columns."""

import pytest

from terminal.consent import compared, show
from terminal.differences import (
    Item,
    Mark,
    describe,
    describe_changes,
    digest_text,
    moment_text,
)
from terminal.fingerprints import fingerprint_text, fingerprint_words

ONE, TWO, THREE = (fingerprint_text(bytes([number]) * 32) for number in range(3))
BEFORE = [
    Item("Reviewer 17", {"works for": "Example Estate", "opens events": ONE}),
    Item("Reviewer 18", {"works for": "Example Police", "opens events": TWO}),
    Item("Entry 6f", {"category": "missing person"}, brief="Entry 6f, missing person"),
]
AFTER = [
    Item("Reviewer 17", {"works for": "Example Estate", "opens events": THREE}),
    Item("Reviewer 19", {"works for": "Example Police", "a label of many words": "x" * 200}),
    Item("Entry 6f", {"category": "missing person"}, brief="Entry 6f, missing person"),
    Item("Agreement", {"address": ""}),
]


def lines(width: int) -> list[str]:
    shown = describe_changes(BEFORE, AFTER, since="version 1, which is published", width=width)
    return [line.text for line in shown]


def flat(texts: list[str]) -> str:
    return " ".join(" ".join(texts).split())


@pytest.mark.parametrize("width", [40, 59, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal_or_80_columns(width: int) -> None:
    assert max(map(len, lines(width))) <= min(width, 80)


@pytest.mark.parametrize("width", [40, 80])
def test_all_is_there_in_any_width(width: int) -> None:
    shown = flat(lines(width))
    for words in (*ONE.split(), *TWO.split(), *THREE.split(), "Example Estate", "none"):
        assert words in shown
    assert shown.count("x") >= 200


@pytest.mark.parametrize("width", [40, 80])
def test_what_a_changed_fact_was_stands_beside_what_it_is_now(width: int) -> None:
    now, was = " ".join(THREE.split()), " ".join(ONE.split())
    assert f"opens events now {now} was {was}" in flat(lines(width))


def test_each_mark_is_a_word_at_the_begin_of_its_line() -> None:
    shown = describe_changes(BEFORE, AFTER, since="", width=80)
    marks = {line.text: line.mark for line in shown if line.mark}
    assert marks == {
        "CHANGED  Reviewer 17": Mark.CHANGED,
        "ADDED    Reviewer 19": Mark.ADDED,
        "ADDED    Agreement": Mark.ADDED,
        "REMOVED  Reviewer 18": Mark.REMOVED,
    }


def test_the_changes_are_counted_first() -> None:
    counted = "version 1, which is published: 1 changed, 2 added, 1 removed, 1 as before."
    assert counted in flat(lines(80)[:2])


def test_where_nothing_is_in_force_all_is_new() -> None:
    shown = describe_changes(None, AFTER, since="", width=80)
    assert shown[0].text.startswith("Nothing is in force")
    assert {line.mark for line in shown if line.mark} == {Mark.ADDED}


def test_what_does_not_change_is_shown_in_full_or_as_its_one_line() -> None:
    kept = describe_changes(BEFORE, BEFORE, since="", width=80)
    shown = flat([line.text for line in kept])
    assert " ".join(ONE.split()) in shown
    assert shown.endswith("Entry 6f, missing person")


def test_twelve_words_stand_in_two_lines_of_an_80_column_screen() -> None:
    longest = "\n".join([" ".join(["abstract"] * 6)] * 2)
    changed = [Item("Key", {"opens events": longest})]
    shown = describe_changes([Item("Key", {"opens events": ONE})], changed, since="", width=80)
    assert sum("abstract" in line.text for line in shown) == 2
    assert fingerprint_words(bytes(32)) == " ".join(ONE.split())


def test_digests_and_moments_are_shown_in_full() -> None:
    assert digest_text(bytes(range(32))).replace(" ", "") == bytes(range(32)).hex()
    assert moment_text(1_800_000_001) == "2027-01-15 08:00:01 UTC"
    assert "00" * 16 in describe([Item("Camera", {"id": "00" * 16})], width=40)[3].text


@pytest.mark.parametrize(("no_color", "coloured"), [("1", False), ("", True)])
def test_colours_can_be_switched_off(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    no_color: str,
    coloured: bool,  # noqa: FBT001  # A parameter of the test.
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    show(compared("A holder is asked.", BEFORE, AFTER, since="before"))
    assert ("\x1b[" in capsys.readouterr().out) == coloured
