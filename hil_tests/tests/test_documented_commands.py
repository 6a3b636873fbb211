"""Every command, option and make target that a document shows exists."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

import estate.__main__
import provisioning.__main__
from formats.tests.command_tree import leaves

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "models").glob("*.md")]
)
TREES = {
    "tallylight": dict(leaves(typer.main.get_command(provisioning.__main__.app))),
    "tallylight-estate": dict(leaves(typer.main.get_command(estate.__main__.app))),
}


def snippets(document: Path) -> Iterator[str]:
    """Yield each line of code in a page: of its blocks, and between backticks."""
    text = document.read_text("utf-8").replace("\\\n", " ")
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    for span in re.findall(r"`([^`\n]+)`", text):
        yield from span.split(" | ")


def shown(document: Path, program: str) -> list[list[str]]:
    """Return the words after the program, for each command of it that a page shows."""
    found = (re.match(rf" *{program} (\S.*)", line) for line in snippets(document))
    return [re.split(r"\s+", each[1].split("  #")[0].strip()) for each in found if each]


def command_of(tree: dict[tuple[str, ...], Any], words: list[str]) -> Any | None:  # noqa: ANN401  # Typer ships no types for what it makes.
    """Return the command that the first words name; None where there is none."""
    return tree.get(tuple(words[:1])) or tree.get(tuple(words[:2]))


def is_group(tree: dict[tuple[str, ...], Any], words: list[str]) -> bool:
    """Say whether the words, options left out, name a group of commands or the program alone."""
    named = tuple(word for word in words if not word.startswith("-"))
    return any(path[: len(named)] == named for path in tree)


@pytest.mark.parametrize("program", TREES)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_and_option_of_a_page_exists(document: Path, program: str) -> None:
    tree = TREES[program]
    unknown = []
    for words in shown(document, program):
        command = command_of(tree, words)
        if command is None:
            unknown += [] if is_group(tree, words) else [" ".join(words)]
            continue
        known = {option for each in command.params for option in each.opts} | {"--help"}
        used = {word.split("=")[0] for word in words if word.startswith("--")}
        unknown += [f"{' '.join(words[:2])} {option}" for option in sorted(used - known)]
    assert unknown == []


def test_the_pages_show_commands_of_both_programs() -> None:
    counts = {name: sum(len(shown(page, name)) for page in DOCUMENTS) for name in TREES}
    assert min(counts.values()) > 10


def test_every_command_of_the_camera_that_a_page_shows_exists() -> None:
    words = {each[0] for page in DOCUMENTS for each in shown(page, "tallylight-camera")}
    usage = subprocess.run(
        [sys.executable, "-m", "firmware", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert words
    assert [word for word in sorted(words) if word not in usage] == []


@cache
def targets() -> frozenset[str]:
    """Return the targets of the Makefile, by their names of today."""
    return frozenset(
        re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    )


@cache
def earlier_targets() -> frozenset[str]:
    """Return the earlier names of targets, which still work."""
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    (pairs,) = re.findall(r"^EARLIER := (.*)", makefile, re.MULTILINE)
    return frozenset(re.findall(r"([\w-]+)=", pairs))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_of_a_page_exists(document: Path) -> None:
    named = {
        found[1] for line in snippets(document) if (found := re.match(r"\$? *make ([a-z-]+)", line))
    }
    # The changelog alone may say how a target was called before.
    earlier = earlier_targets() if document.name == "CHANGELOG.md" else frozenset()
    assert named <= targets() | earlier
