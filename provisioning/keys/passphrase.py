"""Ask for passphrases and PINs, unlock key files with them, make key files, change a passphrase.

A passphrase comes from the first line of a file (`formats.passphrase`) or from the person at the
keyboard. A key that rests on a PKCS#11 token needs a PIN instead. A new key file replaces no file.
No passphrase is written to a disk, and none stands in a command line.
"""

from pathlib import Path

from formats.keyfile import (
    INTERACTIVE,
    KeyFile,
    KeyRefused,
    OnToken,
    Purpose,
    make_key,
    read_key,
    relock,
    unlock_signing,
    write_key,
)
from formats.passphrase import read_passphrase
from formats.public_key_file import refuse_strange_site, write_public_key
from formats.signer import Ed25519Signer
from provisioning.keys.token import find_token, make_token_key, open_token_key
from terminal.questions import ask_new, ask_unseen


def ask_passphrase(key: KeyFile, file: Path | None) -> str:
    """Return the passphrase or PIN of a key, from `file` or from the person at the keyboard.

    Raises:
        KeyRefused: the file cannot be read, or the key's token is not here.
    """
    whose = f"{key.holder} ({key.purpose})"
    if isinstance(key.rest, OnToken):
        find_token(key.rest.label, key.rest.serial)  # A PIN is asked for only if its token is here.
        return _read(file) or ask_unseen(f"PIN of the token {key.rest.label!r} for {whose}")
    return _read(file) or ask_unseen(f"Passphrase of {whose}")


def ask_new_passphrase(file: Path | None) -> str:
    """Return a passphrase for new keys, from `file`, or typed twice at the keyboard.

    Raises:
        KeyRefused: the file cannot be read.
    """
    return _read(file) or ask_new("Passphrase for the new keys")


def unlock_key(key: KeyFile, passphrase_file: Path | None) -> Ed25519Signer:
    """Return the signing key of a key file that was read, once its passphrase or PIN was given.

    Raises:
        KeyRefused: passphrase or PIN are wrong, or the token is not here.
    """
    word = ask_passphrase(key, passphrase_file)
    return open_token_key(key, word) if isinstance(key.rest, OnToken) else unlock_signing(key, word)


def make_key_file(  # noqa: PLR0913  # Each is an option of the commands that make keys.
    file: Path,
    purpose: Purpose,
    holder: str,
    *,
    token: str | None,
    passphrase_file: Path | None,
    site: str = "",
) -> KeyFile:
    """Make a key in a file or on a token, and write its public half into a file beside it.

    The public file names `site`, if the key is for one site.

    Raises:
        KeyRefused: one of the files exists already, the passphrase is too short, or the token
            makes no key.
    """
    if not file.name:
        raise KeyRefused("Name a file for the new key.")
    refuse_strange_site(site)
    public = file.with_suffix(".pub")
    refuse_occupied(file)
    refuse_occupied(public)
    if token is None:
        made = make_key(purpose, holder, ask_new_passphrase(passphrase_file), INTERACTIVE)
    else:
        find_token(token)
        pin = _read(passphrase_file) or ask_unseen(f"PIN of the token {token!r}")
        made = make_token_key(purpose, holder, token, pin)
    write_key(file, made)
    write_public_key(public, made, site)
    return made


def change_passphrase(
    file: Path, to: Path, *, passphrase_file: Path | None, new_passphrase_file: Path | None
) -> None:
    """Write the key of `file` into the new file `to`, under a new passphrase.

    Raises:
        KeyRefused: the key rests on a token, there is a file `to` or no folder for it, the
            passphrase is wrong, or the new one is too short.
    """
    key = read_key(file)
    refuse_occupied(to)
    if isinstance(key.rest, OnToken):
        raise KeyRefused(
            f"This key rests on the token {key.rest.label!r}: change its PIN with its maker's "
            "program."
        )
    old, new = ask_passphrase(key, passphrase_file), ask_new_passphrase(new_passphrase_file)
    write_key(to, relock(key, old, new, INTERACTIVE))


def refuse_occupied(file: Path) -> None:
    """Raise unless a new key file can be made here, before a person types a passphrase for it.

    Raises:
        KeyRefused: there is a file, or no folder for it.
    """
    if file.exists():
        raise KeyRefused(f"{file} exists already: a key is never overwritten; name a new file.")
    if not file.parent.is_dir():
        raise KeyRefused(f"There is no folder {file.parent} for {file.name}: make it first.")


def refuse_other_purpose(key: KeyFile, purpose: Purpose) -> None:
    """Raise unless the key is for `purpose`.

    Raises:
        KeyRefused: it is for another purpose.
    """
    if key.purpose is not purpose:
        raise KeyRefused(f"This is {key.purpose.one_key}; {purpose.one_key} is needed.")


def _read(file: Path | None) -> str:
    return "" if file is None else read_passphrase(file)
