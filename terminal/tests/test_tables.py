"""Tables on terminals of any width: every word is there, whole."""

import pytest
from rich.table import Table
from rich.text import Text

from terminal.tables import print_table

CELLS = ("2", "2026-11-24 10:00", "example-police, example-estate", "7")


def lists() -> Table:
    table = Table("Version", "Issued, UTC", "Signed by", "Entries", title="Lists")
    table.add_row(*CELLS)
    table.add_row("1", Text("2026-11-23 10:00"), "example-police", "6")
    return table


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_no_word_is_lost_at_any_width(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(lists())
    shown = capsys.readouterr().out
    words = shown.split()
    assert all(word in words for cell in CELLS for word in cell.split())
    assert max(map(len, shown.splitlines())) <= width


def test_a_narrow_terminal_gets_a_block_for_each_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table(lists())
    assert "Version: 1\nIssued, UTC: 2026-11-23 10:00\n" in capsys.readouterr().out


def test_a_table_without_headers_becomes_lines_of_name_and_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    table = Table(show_header=False)
    table.add_row("records", "1,000,000,000")
    print_table(table)
    assert capsys.readouterr().out.split() == ["records:", "1,000,000,000"]


@pytest.mark.parametrize("wanted", [True, False])
def test_no_colour_is_written_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, wanted: bool
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    if not wanted:
        monkeypatch.setenv("NO_COLOR", "1")
    table = lists()
    table.add_row("0", Text("never", "red"), "", "")
    print_table(table)
    assert ("\x1b[31m" in capsys.readouterr().out) is wanted


@pytest.mark.parametrize("width", range(70, 90, 3))
def test_a_digest_beside_a_label_of_two_words_is_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    table = Table(show_header=False)
    table.add_row("verified records", "12")
    table.add_row("head", "0" * 64)
    print_table(table)
    assert capsys.readouterr().out.count("0") == 64
