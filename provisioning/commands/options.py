"""Options that several commands share, and the one way in which commands print their result."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from formats.keyfile import Purpose, read_key
from formats.public_key_file import PublicKeyFile, read_public_key
from formats.signer import Ed25519Signer
from formats.strict_json import JsonValue, dumps
from provisioning.errors import SiteRefused
from provisioning.keys.passphrase import refuse_other_purpose, unlock_key
from provisioning.site.folder import Site, open_site
from terminal import consent as screen
from terminal.differences import Item

Folder: TypeAlias = Annotated[Path, typer.Argument(help="The site's folder.")]
PassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="File with the passphrase, or a token's PIN, in its first line."),
]
TokenLabel: TypeAlias = Annotated[
    str | None, typer.Option("--token", help="Name of the token to make the key on.")
]
InstallersKey: TypeAlias = Annotated[
    Path | None, typer.Option("--key", help="Key file of the installer who registered the camera.")
]
Link: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--link", help="Network link of the camera's cable; default: every link."),
]
SiteName: TypeAlias = Annotated[
    str, typer.Option("--site", help="Name of the site that the key is for.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def site_here(folder: Path, option: str) -> Site:
    """Return the site in a folder that an option names, or else in the current one.

    Raises:
        SiteRefused: it holds no site.
    """
    if not (folder / "root.json").is_file():
        raise SiteRefused(f"{folder.absolute()} is not a site's folder: name it with {option}.")
    return open_site(folder)


def unlocked_installer(key: Path, passphrase_file: Path | None) -> Ed25519Signer:
    """Return the installer's key of a key file, once its passphrase or PIN was given.

    Raises:
        KeyRefused: it is no installer's key, or passphrase or PIN are wrong.
    """
    locked = read_key(key)
    refuse_other_purpose(locked, Purpose.INSTALLER)
    return unlock_key(locked, passphrase_file)


def agree_to_remove(items: Sequence[Item], *, yes: bool, json: bool) -> None:
    """Show what a command takes away, and ask.

    Raises:
        NotAgreed: the person said no, or there is no terminal and no `--yes`.
    """
    shown = screen.described("This is taken away:", items)
    screen.agree(shown, "Take it away?", yes=yes, json=json)


def print_result(sentence: str, *, json: bool, **fields: JsonValue) -> None:
    """Print what was done: `sentence` for people, or `fields` as JSON for machines."""
    typer.echo(dumps(fields).decode() if json else sentence)


def read_named_key(file: Path, purpose: Purpose, site: str = "") -> PublicKeyFile:
    """Return a public key that is for this purpose; say so if its file says nothing of it.

    Raises:
        KeyRefused: the file is missing or broken, or of another purpose or site.
        UnusableKey: the key is refused by `formats.public_keys`.
    """
    found = read_public_key(file, purpose, site)
    if not found.said:
        typer.echo(
            f"Note: {file} is of an earlier version and does not say whose key it is or what for: "
            "ask its owner for the twelve words.",
            err=True,
        )
    return found
