"""Options and first steps that most commands share: settings file, store, site, printed result."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from estate.config import Office
from estate.signed_site import VerifiedSite, read_site
from estate.store.envelopes import Store
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


def print_result(sentence: str, *, as_json: bool, **fields: object) -> None:
    """Print what was done: a sentence for people, or the fields for machines."""
    typer.echo(json.dumps(fields) if as_json else sentence)
