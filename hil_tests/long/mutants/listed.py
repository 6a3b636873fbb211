"""The lists of mutations: what is changed in which file, and which test must notice.

`entries/` holds one TOML file per package. Each entry stands under the file that it changes:

    [["formats/envelope.py"]]
    guards = "P4: what one sentence promises"
    old = "text that occurs once in the file"
    new = "text that breaks the promise"
    by = "formats/tests/test_envelope.py::test_that_must_fail"

A list is compared with today's tree: the old text occurs exactly once, the new file can be
compiled, and the test is there. So no entry is left behind when the code changes.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LISTS: Final = Path(__file__).parent / "entries"


class EntryRefused(Exception):
    """An entry cannot be tried. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one line that breaks a promise, and the test that must notice it."""

    file: str
    """Below the root of the tree."""
    guards: str
    """Which promise or border the line keeps, in one short sentence."""
    old: str
    new: str
    by: str
    """The test's node id: `file::test_name`."""


def read_mutants(lists: Path = LISTS) -> list[Mutant]:
    """Return all mutants of a folder of lists, in the order of its files.

    Raises:
        EntryRefused: an entry lacks a member, or has one too many.
    """
    mutants = []
    for path in sorted(lists.glob("*.toml")):
        for file, entries in tomllib.loads(path.read_text("utf-8")).items():
            try:
                mutants += [Mutant(file, **entry) for entry in entries]
            except TypeError as error:
                raise EntryRefused(
                    f"{path.name}: an entry of {file} has guards, old, new and by: {error}."
                ) from error
    return mutants


def misfits(tree: Path, mutants: Iterable[Mutant]) -> list[str]:
    """Return what is wrong with the entries that do not fit the tree, and what to do."""
    faults = []
    for mutant in mutants:
        try:
            mutated(tree, mutant)
        except EntryRefused as error:
            faults.append(str(error))
    return faults


def mutated(tree: Path, mutant: Mutant) -> str:
    """Return the text of the mutant's file with its change.

    Raises:
        EntryRefused: the entry does not fit the tree.
    """
    text = _text(tree / mutant.file)
    count = text.count(mutant.old)
    if count != 1:
        raise EntryRefused(
            f"{mutant.file}: {mutant.old!r} occurs {count} times: write the line as it is today."
        )
    changed = text.replace(mutant.old, mutant.new)
    if changed == text:
        raise EntryRefused(f"{mutant.file}: {mutant.old!r} is not changed: write another new text.")
    if mutant.file.endswith(".py"):
        try:
            compile(changed, mutant.file, "exec")
        except SyntaxError as error:
            raise EntryRefused(
                f"{mutant.file}: {mutant.new!r} is no Python in line {error.lineno}: mend it."
            ) from error
    path, _, name = mutant.by.partition("::")
    if not name or f"def {name}(" not in _text(tree / path):
        raise EntryRefused(f"{mutant.file}: there is no test {mutant.by}: name the one that fails.")
    return changed


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
