"""Follows a page of docs/ word for word: runs the commands that it shows, as a reader would."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer.main

from formats.tests.command_tree import leaves
from provisioning.__main__ import app
from provisioning.tests.workshop import tallylight

DOCS = Path(__file__).parents[2] / "docs"


def commands(page: str, heading: str) -> list[list[str]]:
    """Return the words of each `tallylight` command in the code blocks below a heading."""
    text = (DOCS / page).read_text("utf-8").replace("\\\n", " ")
    level = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert level is not None, f"{page} has no heading {heading!r}"
    section = re.split(rf"^#{{1,{len(level[1])}}} ", text[level.end() :], flags=re.MULTILINE)[0]
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", section, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [
        shlex.split(line, comments=True)[1:] for line in lines if line.startswith("tallylight ")
    ]


def follow(words: Sequence[str], places: Mapping[str, Path], passphrase_file: Path) -> str:
    """Run a command of a page, with its `places` elsewhere; answer what it asks; return its output.

    Relative paths of the page are those of the current folder.
    """
    for place, path in places.items():
        words = [re.sub(rf"^{re.escape(place)}(?=/|$)", str(path), word) for word in words]
    options = _options(words)
    if "--passphrase-file" in options:
        words = [*words, "--passphrase-file", str(passphrase_file)]
    if "--yes" in options:
        words = [*words, "--yes"]
    return tallylight(*words)


def _options(words: Sequence[str]) -> set[str]:
    tree = dict(leaves(typer.main.get_command(app)))
    command = tree.get(tuple(words[:1])) or tree[tuple(words[:2])]
    return {option for each in command.params for option in each.opts}
