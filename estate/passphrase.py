"""Asks for passphrases and unlocks key files of the right purpose."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from nacl.signing import SigningKey

from formats.keyfile import KeyFile, KeyRefused, Purpose, read_key, unlock_signing
from formats.passphrase import read_passphrase
from terminal.questions import ask_new, ask_unseen

PassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File with the passphrase, instead of a question."),
]


def unlocking(path: Path, purpose: Purpose, passphrase_file: Path | None) -> tuple[KeyFile, str]:
    """Return a key file and the passphrase that its holder gives.

    Raises:
        KeyRefused: it is missing, broken, or for another purpose.
    """
    key = read_purpose(path, purpose)
    return key, ask(passphrase_file, f"Passphrase of {key.holder}", confirm=False)


def unlock(key: KeyFile, passphrase_file: Path | None) -> SigningKey:
    """Return the signing key of a key file that was read, with the passphrase of its holder.

    Raises:
        KeyRefused: the passphrase is wrong.
    """
    asked = ask(passphrase_file, f"Passphrase of {key.holder}", confirm=False)
    return unlock_signing(key, asked)


def read_purpose(path: Path, purpose: Purpose) -> KeyFile:
    """Return a key file, still locked.

    Raises:
        KeyRefused: it is missing, broken, or for another purpose.
    """
    key = read_key(path)
    if key.purpose is not purpose:
        raise KeyRefused(f"{path} is a key for {key.purpose}; one for {purpose} is needed.")
    return key


def ask(file: Path | None, question: str, *, confirm: bool) -> str:
    """Return a passphrase from the first line of a file, or from a person.

    Raises:
        KeyRefused: the file cannot be read, or its first line is empty.
    """
    if file is not None:
        return read_passphrase(file)
    return ask_new(question) if confirm else ask_unseen(question)
