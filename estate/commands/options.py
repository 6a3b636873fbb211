"""Options and first steps that most commands share: settings file, store, site, printed result."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from estate.config import Office
from estate.errors import NoEvent
from estate.signed_site import VerifiedSite, read_site
from estate.store.envelopes import Store
from formats.settings import read_settings

Settings: TypeAlias = Annotated[Path, typer.Option("--config", help="The office's settings.")]
ReceiverSettings: TypeAlias = Annotated[
    Path, typer.Option("--config", help="The receiver's settings.")
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON text for machines.")]
DIGITS: Final = 8
"""Fewest digits of a digest that name an event."""
Event: TypeAlias = Annotated[
    str, typer.Argument(help="The event's digest, or its first digits, as the console shows them.")
]
OwnKey: TypeAlias = Annotated[
    Path, typer.Option("--key", help="Your key file; your verdict key lies beside it.")
]


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


def named_event(events: Iterable[bytes], digits: str) -> bytes:
    """Return the digest of the one event that begins with these digits.

    Raises:
        NoEvent: none or several do, or the digits are too few.
    """
    found = [event for event in events if event.hex().startswith(digits.lower())]
    if len(digits) < DIGITS or len(found) != 1:
        raise NoEvent(
            f"No single event here begins with {digits!r}: name at least {DIGITS} digits of its "
            "digest, as the console shows them; an event that was destroyed is here no more."
        )
    return found[0]


def print_result(sentence: str, *, as_json: bool, **fields: object) -> None:
    """Print what was done: a sentence for people, or the fields for machines."""
    typer.echo(json.dumps(fields) if as_json else sentence)
