"""Options and first steps that most commands share: settings file, store, site, printed result."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from nacl.signing import SigningKey

from estate.config import Office
from estate.errors import BooksRefused, SiteRefused
from estate.passphrase import read_purpose, unlock
from estate.signed_site import VerifiedSite, read_site
from estate.store.envelopes import Store
from formats.keyfile import KeyFile, Purpose
from formats.settings import read_settings

Settings: TypeAlias = Annotated[Path, typer.Option("--config", help="The office's settings.")]
ReceiverSettings: TypeAlias = Annotated[
    Path, typer.Option("--config", help="The receiver's settings.")
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON text for machines.")]


def open_office(config: Path) -> tuple[Office, Store]:
    """Return the settings and the open store.

    Raises:
        Refused: the settings are wrong, or the store cannot be opened.
    """
    office = read_settings(config, Office)
    return office, Store(office.store)


def current_site(office: Office) -> VerifiedSite:
    """Return what the site's repository says at this moment.

    Raises:
        SiteRefused: it does not verify.
    """
    return read_site(office.site, office.trusted_root, datetime.now(UTC))


def own_ledger_key(office: Office) -> KeyFile:
    """Return the file of the estate's ledger key, if the site's recipients name this key.

    The key is compared before its passphrase is asked for.

    Raises:
        BooksRefused: the settings name none, or the site names another: outsiders could not verify
            what it signs.
        KeyRefused: the file is missing, broken, or for another purpose.
    """
    if not office.ledger_key:
        raise BooksRefused("This needs the estate's ledger key: set `ledger_key` in the settings.")
    path = Path(office.ledger_key)
    key = read_purpose(path, Purpose.LEDGER)
    try:
        named = current_site(office).recipients.ledger_key
    except SiteRefused as error:
        typer.echo(f"The ledger key is not compared with the site's: {error}", err=True)
        return key
    if key.public != bytes(named):
        raise BooksRefused(
            f"The ledger key {path} is not the one that the site's recipients name: use that one, "
            "or have this one named with tallylight recipients, signed and published."
        )
    return key


def unlock_ledger_key(office: Office, passphrase_file: Path | None) -> SigningKey:
    """Return the estate's ledger key, if it is the one that the site's recipients name.

    Raises:
        BooksRefused: see `own_ledger_key`.
        KeyRefused: it cannot be unlocked.
    """
    return unlock(own_ledger_key(office), passphrase_file)


def print_result(sentence: str, *, as_json: bool, **fields: object) -> None:
    """Print what was done: a sentence for people, or the fields for machines."""
    typer.echo(json.dumps(fields) if as_json else sentence)
