"""Options that several commands share, and the one way in which passphrases come in."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from formats.keyfile import KeyFile, KeyRefused, Purpose

Folder: TypeAlias = Annotated[Path, typer.Argument(help="The site's folder.")]
PassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="File with the passphrase in its first line, instead of a question."),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def passphrase_of(key: KeyFile, file: Path | None) -> str:
    """The passphrase of a key file, from `file` or from the person at the keyboard.

    Raises:
        KeyRefused: the file cannot be read.
    """
    return _read(file) or _ask(f"Passphrase of {key.holder} ({key.purpose})", twice=False)


def new_passphrase(file: Path | None) -> str:
    """A passphrase for new keys, from `file` or asked for twice.

    Raises:
        KeyRefused: the file cannot be read.
    """
    return _read(file) or _ask("Passphrase for the new keys", twice=True)


def refuse_other_purpose(key: KeyFile, purpose: Purpose) -> None:
    """Do nothing if the key is for `purpose`.

    Raises:
        KeyRefused: it is for another.
    """
    if key.purpose is not purpose:
        raise KeyRefused(f"This is a {key.purpose} key; a {purpose} key is needed.")


def _read(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise KeyRefused(f"The passphrase file {file} cannot be read.") from error
    if not lines or not lines[0]:
        raise KeyRefused(f"The first line of the passphrase file {file} is empty.")
    return lines[0]


def _ask(question: str, *, twice: bool) -> str:
    answer: str = typer.prompt(question, hide_input=True, confirmation_prompt=twice, err=True)
    return answer
