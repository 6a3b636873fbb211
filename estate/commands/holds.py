"""`tallylight-estate hold` and `release`: two people keep an event beyond its retention time."""

import time
from pathlib import Path
from typing import Annotated

import typer

from estate.commands.options import AsJson, Settings, current_site, open_office, print_result
from estate.commands.own_keys import own_verdict_key
from estate.errors import HoldRefused
from estate.passphrase import PassphraseFile, unlock
from estate.retention.holds import Holding, hold_event, holdings, release_event
from estate.signed_site import VerifiedSite
from estate.store.envelopes import Store
from estate.store.ledger import ledger_records
from formats.envelope_header import DIGEST_BYTES
from formats.errors import Malformed
from formats.hexadecimal import read_hex
from formats.keyfile import KeyRefused

Event = Annotated[str, typer.Argument(help="The event's digest, 64 hexadecimal digits.")]
ReviewerKey = Annotated[Path, typer.Option("--key", help="Your verdict key.")]
Reason = Annotated[
    str | None,
    typer.Option(help="Why: one line, for the ledger. The second person leaves it out."),
]
Agreed = Annotated[bool, typer.Option("--yes", help="Sign without being asked.")]


def hold(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    event: Event,
    key: ReviewerKey,
    reason: Reason = None,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Agreed = False,
    as_json: AsJson = False,
) -> None:
    """Keep an event beyond its time. Two people run this, each with their own key.

    The first gives a reason. The second is shown who asks and why, and signs the same.
    """
    office, store = open_office(config)
    site, digest = current_site(office), _digest(event)
    locked = own_verdict_key(key, site)
    why = _reason(store, site, digest, reason, yes=yes)
    signer = unlock(locked, passphrase_file)
    held = hold_event(store, site, digest, signer, why, time.time_ns() // 1_000_000)
    store.close()
    sentence = "The event is held until two people release it."
    if not held:
        sentence = (
            "You have signed the hold. A second person must run tallylight-estate hold with this "
            "event and their own key, or the event is destroyed at its time."
        )
    print_result(sentence, as_json=as_json, event=event, held=held)


def release(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    event: Event,
    key: ReviewerKey,
    reason: Reason = None,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Agreed = False,
    as_json: AsJson = False,
) -> None:
    """Release a held event, so that it is destroyed at its time. Two people run this."""
    office, store = open_office(config)
    site, digest = current_site(office), _digest(event)
    locked = own_verdict_key(key, site)
    why = _reason(store, site, digest, reason, yes=yes)
    signer = unlock(locked, passphrase_file)
    released = release_event(store, site, digest, signer, why, time.time_ns() // 1_000_000)
    store.close()
    sentence = "The event is released: it is destroyed at its time."
    if not released:
        sentence = (
            "You have signed the release. A second person must run tallylight-estate release with "
            "this event and their own key; until then it is held."
        )
    print_result(sentence, as_json=as_json, event=event, released=released)


def _digest(text: str) -> bytes:
    try:
        return read_hex(text, DIGEST_BYTES)
    except Malformed as error:
        raise KeyRefused(
            "Name the event by its digest: 64 lower-case hexadecimal digits."
        ) from error


def _reason(
    store: Store, site: VerifiedSite, event: bytes, reason: str | None, *, yes: bool
) -> str:
    """Return the reason to sign: the one given, or the one that another person has signed.

    Raises:
        HoldRefused: no reason was given and none was proposed, or this person does not agree.
    """
    with store.reading() as connection:
        records = ledger_records(connection)
        waiting = holdings(connection, site, records, event).get(event, Holding()).asked
    if reason is not None:
        return reason
    if not waiting:
        raise HoldRefused("No other person has asked for this: give a reason with --reason.")
    first = waiting[0]
    who, why = first.reviewer, first.act.reason or ""
    typer.echo(
        f"{who.name} ({who.organisation}) asks to {first.act.kind} the event {event.hex()[:16]}.\n"
        f"Reason: {why}",
        err=True,
    )
    if not yes and not typer.confirm("Do you sign this?", err=True):
        raise HoldRefused("You did not sign: nothing was changed.")
    return why
