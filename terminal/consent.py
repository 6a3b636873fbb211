"""Ask a person to sign: show what the signature covers, then ask; refuse without a terminal.

Everything is shown in every case. `--yes` leaves out the question alone, for scripts. Colours are
added for terminals only, and not where NO_COLOR is set; no fact depends on them. Where the result
is JSON for machines, the text goes to the standard error.
"""

import sys
from collections.abc import Iterable, Sequence
from shutil import get_terminal_size
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from formats.errors import Refused
from terminal.differences import Item, Line, Mark, describe, describe_changes, paragraph

_STYLES: Final = {
    None: "",
    Mark.ADDED: "green",
    Mark.REMOVED: "red",
    Mark.CHANGED: "yellow",
}


class NotAgreed(Refused):
    """A person did not agree, or there was no person to ask."""


def compared(
    asked: str, before: Sequence[Item] | None, after: Sequence[Item], *, since: str
) -> list[Line]:
    """Return who is asked for what, then all of a document, compared with what is in force.

    Args:
        asked: one or two sentences; empty if no person is asked.
        before: what is in force; None if nothing is.
        after: what is to be signed.
        since: what is in force, in words that follow "Compared with ".
    """
    width = get_terminal_size().columns
    return _asked(asked, width) + describe_changes(before, after, since=since, width=width)


def described(asked: str, items: Sequence[Item]) -> list[Line]:
    """Return who is asked for what, then all of a document that is compared with nothing."""
    width = get_terminal_size().columns
    return _asked(asked, width) + describe(items, width=width)


def _asked(asked: str, width: int) -> list[Line]:
    return paragraph(asked, width=width) if asked else []


def show(lines: Iterable[Line], *, json: bool = False) -> None:
    """Print the lines; on the standard error if the result is JSON."""
    console = Console(stderr=json, markup=False, highlight=False, emoji=False)
    for line in lines:
        console.print(Text(line.text, _STYLES[line.mark]), soft_wrap=True)


def agree(lines: Iterable[Line], question: str, *, yes: bool, json: bool = False) -> None:
    """Show what is to be signed, and ask whether to sign it.

    Args:
        lines: everything that the signature covers.
        question: such as "Sign this policy?".
        yes: do not ask.
        json: the result is JSON for machines.

    Raises:
        NotAgreed: the person said no, or there is no terminal and no `--yes`.
    """
    show(lines, json=json)
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotAgreed(
            "Nothing was signed or changed, because there is no terminal to ask on: read what is "
            "shown, then repeat with --yes."
        )
    if not typer.confirm(question, err=True):
        raise NotAgreed("You did not agree: nothing was signed or changed.")
