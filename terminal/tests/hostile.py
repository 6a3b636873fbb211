"""Hostile values for every parameter of every command: what a tired person or a script types."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

TEXTS = ("", " ", "a\nb", "x" * 70_000, "\u202e\u200b", "\udcff", "-1", "\N{PILE OF POO}")
NUMBERS = ("0", "-1", "65536", "1" + 30 * "0", "1e3", "")
DAYS = ("9999-12-31", "0001-01-01", "2500-01-01", "1969-12-31", "2026-02-30", "")
_BINARY = bytes(range(256)) * 16


def paths(folder: Path) -> tuple[str, ...]:
    """Make files of the wrong kind; return their paths, and names of no file."""
    (folder / "empty").write_bytes(b"")
    (folder / "binary").write_bytes(_BINARY)
    (folder / "object").write_text('{"version": 99999999999999999999, "entries": null}\n')
    (folder / "list").write_text("[" * 100_000)
    (folder / "table").write_text("site = 1\n[policy]\n")
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    made = ("empty", "binary", "object", "list", "table", "folder", "loop")
    odd = ("", "x" * 300, "none/none", "\udcff")
    return (*(str(folder / name) for name in made), *odd)


def values(parameter: Any, files: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ANN401  # Typer's.
    """Return hostile values of the parameter's kind."""
    kind = parameter.type.name
    if kind in {"path", "file", "directory"}:
        return files
    if kind.startswith(("int", "float")):
        return NUMBERS
    return DAYS if kind == "datetime" else TEXTS


def lines(
    command: Any,  # noqa: ANN401  # Typer ships no types for what it makes.
    usual: Mapping[str, str],
    files: tuple[str, ...],
) -> Iterator[list[str]]:
    """Yield command lines: each has one hostile value, and else the usual ones."""
    parameters = [each for each in command.params if not getattr(each, "is_flag", False)]
    for hostile in parameters:
        for value in values(hostile, files):
            options, arguments = [], []
            for each in parameters:
                given = value if each is hostile else usual.get(each.name, "x")
                if each.param_type_name == "argument":
                    arguments.append(given)
                elif each is hostile or each.required or each.name in usual:
                    options += [each.opts[0], given]
            yield [*options, "--", *arguments]


EXIT_CODES = frozenset({0, 1, 2, 3})
"""Done, refused, wrong usage; `list status`: something is due."""


def faults(app: Any, words: tuple[str, ...], given: Iterator[list[str]]) -> list[str]:  # noqa: ANN401
    """Run the command with each line; return those that end in anything but a sentence."""
    runner, found = CliRunner(), []
    for line in given:
        result = runner.invoke(app, [*words, *line])
        said = result.exception
        if not (said is None or isinstance(said, SystemExit)) or result.exit_code not in EXIT_CODES:
            found.append(f"{' '.join(words)} {[each[:60] for each in line]}: {said!r:.300}")
    return found
