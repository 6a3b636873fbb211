"""`tallylight-estate retain`, `hold` and `release`: run the first from a timer, every hour."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from estate.commands.office import AsJson, Settings, open_office, say, site_now
from estate.errors import SiteRefused
from estate.opening.portraits import forget_ended
from estate.passphrase import PassphraseFile, unlocking
from estate.retention.destruction import destroy, due, trusted_now
from estate.retention.holds import hold, release
from estate.signed_site import SiteNow, lists, remember
from estate.store.envelopes import Store
from formats.envelope import sender_id
from formats.envelope_header import DIGEST_BYTES
from formats.keyfile import KeyRefused, Purpose, unlock_signing
from formats.policy import RETENTION_DAYS_LIMIT

Event = Annotated[str, typer.Argument(help="The event's digest, 64 hexadecimal digits.")]
Two = Annotated[list[Path], typer.Option("--key", help="A reviewer's verdict key; give two.")]
TwoPhrases = Annotated[
    list[Path] | None,
    typer.Option("--passphrase-file", help="Files with their passphrases, in the same order."),
]
Reason = Annotated[str, typer.Option(help="Why: one line, for the books.")]


def retain(
    config: Settings,
    passphrase_file: PassphraseFile = None,
    *,
    clock_is_right: Annotated[
        bool, typer.Option("--clock-is-right", help="After a long pause: the clock is right.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Destroy every event whose time has come or that two people did not confirm."""
    office, store = open_office(config)
    key = unlock_signing(*unlocking(office.ledger_key, Purpose.LEDGER, passphrase_file))
    portraits = office.books / "portraits"
    days = _retention_days(store, lambda: forget_ended(portraits, site_now(office)))
    with store.writing() as connection:
        now_s = trusted_now(connection, int(time.time()), clock_is_right=clock_is_right)
        doomed = due(connection, now_s, days)
    signed = destroy(store, doomed, key, office.books / "certificates")
    store.close()
    sentence = f"{len(signed)} events were destroyed; certificates: {office.books}."
    say(sentence, as_json=as_json, destroyed=[each.event.hex() for each in doomed])


def hold_event(  # noqa: PLR0913  # Each is one thing that must be said.
    config: Settings,
    event: Event,
    key: Two,
    reason: Reason,
    passphrase_file: TwoPhrases = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Keep an event beyond its time: two people, each with their key, and a reason."""
    office, store = open_office(config)
    hold(store, site_now(office), _digest(event), _people(key, passphrase_file), reason)
    store.close()
    say("The event is held until two people release it.", as_json=as_json, held=event)


def release_event(  # noqa: PLR0913  # The same.
    config: Settings,
    event: Event,
    key: Two,
    reason: Reason,
    passphrase_file: TwoPhrases = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Let a held event end at its time again: two people, each with their key."""
    office, store = open_office(config)
    release(store, site_now(office), _digest(event), _people(key, passphrase_file), reason)
    store.close()
    say("The event is released: it ends at its time.", as_json=as_json, released=event)


def _retention_days(store: Store, read: Callable[[], SiteNow]) -> int:
    """What the policy says, or the last that was met, or else the longest that any may say."""
    try:
        site = read()
    except (SiteRefused, OSError):
        with store.reading() as connection:
            met = lists(connection)
        return met[-1][1].retention_days if met else RETENTION_DAYS_LIMIT
    with store.writing() as connection:
        remember(connection, site)
    return site.policy.retention_days


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_BYTES:
        raise KeyRefused("An event is named by 64 hexadecimal digits.")
    return digest


def _people(keys: list[Path], passphrases: list[Path] | None) -> list[bytes]:
    files: list[Path | None] = [*passphrases] if passphrases else [None for _ in keys]
    if len(files) != len(keys):
        raise KeyRefused("Give as many passphrase files as keys, or none.")
    people = []
    for path, file in zip(keys, files, strict=True):
        key = unlock_signing(*unlocking(path, Purpose.VERDICT, file))
        people.append(sender_id(key.verify_key))
    return people
