"""Every command prints JSON for machines, if it is asked to."""

import json
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from estate.__main__ import app
from estate.tests.books import Office
from estate.tests.command_line import done
from formats.tests.command_tree import leaves

COMMANDS = dict(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_prints_json_for_machines(words: tuple[str, ...]) -> None:
    options = [option for each in COMMANDS[words].params for option in each.opts]
    assert "--json" in options


def test_the_keys_that_were_made_are_named(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("a desk holds no secrets\n")
    words = ["key", "reviewer", str(tmp_path / "r.key"), "--holder", "r", "--json"]
    said = CliRunner().invoke(app, [*words, "--passphrase-file", str(tmp_path / "passphrase")])
    made = json.loads(said.stdout)
    assert set(made) == {"reviewer", "verdict"}
    assert all(Path(one["public"]).exists() for one in made.values())


def test_the_report_says_where_it_is(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    page = tmp_path / "report.html"
    days = ("--since", "2026-01-01", "--until", "2027-01-01")
    said = json.loads(
        done("report", "--config", str(office.settings), *days, "--to", str(page), "--json")
    )
    office.store.close()
    assert Path(said["page"]) == page
    assert json.loads(Path(said["figures"]).read_text())
