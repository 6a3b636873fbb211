"""Options that several commands share, and the one way in which passphrases and PINs come in."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from formats.keyfile import (
    INTERACTIVE,
    KeyFile,
    KeyRefused,
    OnToken,
    Purpose,
    make_key,
    read_key,
    unlock_signing,
    write_key,
    write_public_key,
)
from formats.passphrase import read_passphrase
from formats.signer import Ed25519Signer
from formats.strict_json import JsonValue, dumps
from provisioning.keys.token import look_for, make_on_token, token_key

Folder: TypeAlias = Annotated[Path, typer.Argument(help="The site's folder.")]
PassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="File with the passphrase, or a token's PIN, in its first line."),
]
TokenLabel: TypeAlias = Annotated[
    str | None, typer.Option("--token", help="Name of the token to make the key on.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def say(sentence: str, *, json: bool, **fields: JsonValue) -> None:
    """Print what was done: a sentence for people, or the fields for machines."""
    typer.echo(dumps(fields).decode() if json else sentence)


def passphrase_of(key: KeyFile, file: Path | None) -> str:
    """The passphrase of a key file, from `file` or from the person at the keyboard.

    Raises:
        KeyRefused: the file cannot be read, or the token is not here.
    """
    whose = f"{key.holder} ({key.purpose})"
    if isinstance(key.rest, OnToken):
        look_for(key.rest.label, key.rest.serial)  # Nobody types a PIN for nothing.
        return _read(file) or _ask(f"PIN of the token {key.rest.label!r} for {whose}", twice=False)
    return _read(file) or _ask(f"Passphrase of {whose}", twice=False)


def new_passphrase(file: Path | None) -> str:
    """A passphrase for new keys, from `file` or asked for twice.

    Raises:
        KeyRefused: the file cannot be read.
    """
    return _read(file) or _ask("Passphrase for the new keys", twice=True)


def unlocked(path: Path, purpose: Purpose, passphrase_file: Path | None) -> Ed25519Signer:
    """The signing key in a file or on its token, once its passphrase or PIN was given.

    Raises:
        KeyRefused: the file is no key of this purpose, passphrase or PIN are wrong, or the token
            is not here.
    """
    key = read_key(path)
    refuse_other_purpose(key, purpose)
    return signing(key, passphrase_file)


def signing(key: KeyFile, passphrase_file: Path | None) -> Ed25519Signer:
    """What signs with a key that was read from its file, once its passphrase or PIN was given.

    Raises:
        KeyRefused: as for `unlocked`.
    """
    word = passphrase_of(key, passphrase_file)
    return token_key(key, word) if isinstance(key.rest, OnToken) else unlock_signing(key, word)


def make_key_file(
    file: Path, purpose: Purpose, holder: str, *, token: str | None, passphrase_file: Path | None
) -> KeyFile:
    """A new key in a file or on a token, with its public half in a file beside it.

    Raises:
        KeyRefused: one of the files is there already, the passphrase is too short, or the token
            makes no key.
    """
    public = file.with_suffix(".pub")
    for path in (file, public):
        if path.exists():
            raise KeyRefused(f"{path} is there already: a key is never overwritten.")
    if token is None:
        made = make_key(purpose, holder, new_passphrase(passphrase_file), INTERACTIVE)
    else:
        look_for(token)
        pin = _read(passphrase_file) or _ask(f"PIN of the token {token!r}", twice=False)
        made = make_on_token(purpose, holder, token, pin)
    write_key(file, made)
    write_public_key(public, made)
    return made


def refuse_other_purpose(key: KeyFile, purpose: Purpose) -> None:
    """Do nothing if the key is for `purpose`.

    Raises:
        KeyRefused: it is for another.
    """
    if key.purpose is not purpose:
        raise KeyRefused(f"This is a {key.purpose} key; a {purpose} key is needed.")


def _read(file: Path | None) -> str:
    return "" if file is None else read_passphrase(file)


def _ask(question: str, *, twice: bool) -> str:
    answer: str = typer.prompt(question, hide_input=True, confirmation_prompt=twice, err=True)
    return answer
