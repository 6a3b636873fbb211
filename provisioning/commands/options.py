"""Options that several commands share, and the one way in which passphrases come in."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from nacl.signing import SigningKey

from formats.keyfile import KeyFile, KeyRefused, Purpose, read_key, unlock_signing
from formats.strict_json import JsonValue, dumps

Folder: TypeAlias = Annotated[Path, typer.Argument(help="The site's folder.")]
PassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="File with the passphrase in its first line, instead of a question."),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def say(sentence: str, *, json: bool, **fields: JsonValue) -> None:
    """Print what was done: a sentence for people, or the fields for machines."""
    typer.echo(dumps(fields).decode() if json else sentence)


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


def unlocked(path: Path, purpose: Purpose, passphrase_file: Path | None) -> SigningKey:
    """The signing key in a file, once its passphrase was given.

    Raises:
        KeyRefused: the file is no key of this purpose, or the passphrase is wrong.
    """
    locked = read_key(path)
    refuse_other_purpose(locked, purpose)
    return unlock_signing(locked, passphrase_of(locked, passphrase_file))


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
