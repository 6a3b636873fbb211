"""No command of the estate ends in a traceback, with any values of its parameters."""

from pathlib import Path

import pytest
import typer.main

from estate.__main__ import app
from estate.tests.books import Office
from formats.tests.command_tree import leaves
from terminal.tests.hostile import faults, lines, paths

COMMANDS = dict(leaves(typer.main.get_command(app)))
LASTING = {("receive",), ("review",), ("serve",)}
"""With settings that hold, these run until a signal ends them."""


@pytest.mark.long
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_value_of_a_parameter_ends_in_a_traceback(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    event = office.arrive().digest
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    usual = {
        "config": "none" if words in LASTING else str(office.settings),
        "event": event.hex(),
        "key": str(office.folder / "r1.verdict.key"),
        "passphrase_file": office.passphrase[1],
        "since": "2026-01-01",
        "until": "2027-01-01",
        "to": "written",
    }
    found = faults(app, words, lines(COMMANDS[words], usual, paths(tmp_path)))
    assert not found, "\n".join(found)
