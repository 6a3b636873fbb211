"""Follows a page of docs/ word for word: runs the commands that it shows, as a reader would."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer.main
from typer.testing import CliRunner

import estate.__main__
import provisioning.__main__
from formats.tests.command_tree import leaves

DOCS = Path(__file__).parents[2] / "docs"
PROGRAMS = {
    "tallylight": provisioning.__main__.app,
    "tallylight-estate": estate.__main__.app,
}


def headings(page: str, level: int) -> list[str]:
    """Return the headings of a page at one level, in order."""
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


def commands(page: str, heading: str) -> list[list[str]]:
    """Return the words of each command of ours in the code blocks below a heading."""
    text = (DOCS / page).read_text("utf-8").replace("\\\n", " ")
    level = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert level is not None, f"{page} has no heading {heading!r}"
    section = re.split(rf"^#{{1,{len(level[1])}}} ", text[level.end() :], flags=re.MULTILINE)[0]
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", section, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    shown = [shlex.split(line, comments=True) for line in lines]
    return [words for words in shown if words and words[0] in PROGRAMS]


def follow(words: Sequence[str], places: Mapping[str, str], passphrase_file: Path) -> str:
    """Run a command of a page; answer what it asks; return its output.

    Args:
        words: the command, with its program. Relative paths are those of the current folder.
        places: what stands in place of words of the page, or of the beginning of a path.
        passphrase_file: with the passphrase of every key.
    """
    program, *words = words
    for place, real in places.items():
        words = [re.sub(rf"^{re.escape(place)}(?=/|$)", real, word) for word in words]
    options = _options(program, words)
    if "--passphrase-file" in options:
        words = [*words, "--passphrase-file", str(passphrase_file)]
    if "--yes" in options:
        words = [*words, "--yes"]
    result = CliRunner().invoke(PROGRAMS[program], words)
    assert result.exit_code == 0, f"{words}: {result.output}"
    return result.output


def _options(program: str, words: Sequence[str]) -> set[str]:
    tree = dict(leaves(typer.main.get_command(PROGRAMS[program])))
    command = tree.get(tuple(words[:1])) or tree[tuple(words[:2])]
    return {option for each in command.params for option in each.opts}
