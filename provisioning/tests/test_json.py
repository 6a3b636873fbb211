"""Every command prints JSON for machines, if it is asked to."""

import json
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from formats.tests.command_tree import leaves
from provisioning.__main__ import app
from provisioning.tests.workshop import Workshop, tallylight

COMMANDS = dict(leaves(typer.main.get_command(app)))


def printed(*words: str | Path) -> str:
    """Run a command; return what machines get: its standard output alone."""
    return CliRunner().invoke(app, [*map(str, words), "--json"]).stdout


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_prints_json_for_machines(words: tuple[str, ...]) -> None:
    options = [option for each in COMMANDS[words].params for option in each.opts]
    assert "--json" in options


def test_what_is_printed_is_one_object(begun: Workshop) -> None:
    bundle, trusted = begun.bundle_again()
    output = {
        "site plan": tallylight("site", "plan", "--name", "mill", "--json"),
        "policy text": tallylight("policy", "text", begun.site, "--json"),
        "policy show": tallylight("policy", "show", begun.site, "--json"),
        "model example": tallylight("model", "example", "--json"),
        "model show": tallylight("model", "show", bundle, "--json"),
        "model verify": printed("model", "verify", bundle, "--trust", trusted),
        "model adopt": printed("model", "adopt", begun.site, bundle, "--trust", trusted, "--yes"),
        "broker config": printed("broker", "config", begun.site, *begun.passphrase, "--json"),
    }
    read = {name: json.loads(text) for name, text in output.items()}
    assert all(isinstance(one, dict) and one for one in read.values())
    assert read["model show"]["model_digest"] == read["model adopt"]["model_digest"]


def test_the_text_that_machines_get_is_the_text_that_people_get(begun: Workshop) -> None:
    for words in (("policy", "text", begun.site), ("model", "example")):
        assert json.loads(tallylight(*words, "--json"))["text"] == tallylight(*words)
