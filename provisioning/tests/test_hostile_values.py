"""No command of the desk ends in a traceback, with any values of its parameters."""

from pathlib import Path

import pytest
import typer.main

from formats.tests.command_tree import leaves
from provisioning.__main__ import app
from provisioning.tests.workshop import HOPPER, Workshop, contents, refusal
from terminal.tests.hostile import faults, lines, paths

COMMANDS = dict(leaves(typer.main.get_command(app)))


@pytest.mark.long
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_value_of_a_parameter_ends_in_a_traceback(
    listed: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    handle = next((listed.site / "entries").iterdir()).stem
    usual = {
        "folder": str(listed.site),
        "key": str(next((listed.site / "keys").glob("targets*.key"))),
        "passphrase_file": str(listed.folder / "passphrase"),
        "picture": str(HOPPER),
        "handle": handle,
        "until": "2026-12-31",
        "request": str(listed.request),
    }
    found = faults(app, words, lines(COMMANDS[words], usual, paths(tmp_path)))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--user", "mosquitto\nallow_anonymous true"),
        ("--bind", "127.0.0.1\nallow_anonymous true"),
        ("--bind", "everywhere"),
        ("--host", "broker.example\nallow_anonymous true"),
        ("--host", "-broker.example"),
        ("--host", "müller.example"),
    ],
)
def test_what_would_be_another_line_of_the_brokers_configuration_is_refused(
    prepared: Workshop, option: str, value: str
) -> None:
    before = contents(prepared.site)
    sentence = refusal("broker", "config", prepared.site, *prepared.passphrase, option, value)
    assert repr(value) in sentence
    assert contents(prepared.site) == before
