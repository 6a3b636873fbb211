"""`tallylight-estate hold` and `release`: two people keep an event beyond its retention time."""

import time
from typing import Annotated

import typer

from estate.commands.options import (
    AsJson,
    Event,
    OwnKey,
    Settings,
    current_site,
    named_event,
    open_office,
    print_result,
)
from estate.commands.own_keys import beside, own_verdict_key
from estate.errors import HoldRefused
from estate.passphrase import PassphraseFile, unlock
from estate.retention.holds import Holding, hold_event, holdings, release_event
from estate.signed_site import VerifiedSite
from estate.store.envelopes import Store
from estate.store.ledger import ledger_records
from formats.envelope import sender_id
from formats.keyfile import KeyFile
from formats.public_keys import signing_key

Reason = Annotated[
    str | None,
    typer.Option(help="Why: one line, for the ledger. The second person leaves it out."),
]
Agreed = Annotated[bool, typer.Option("--yes", help="Sign without being asked.")]


def hold(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    event: Event,
    key: OwnKey,
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
    site = current_site(office)
    locked = own_verdict_key(beside(key), site)
    digest = named_event(store.digests(), event)
    why = _reason(store, site, digest, locked, reason, yes=yes)
    signer = unlock(locked, passphrase_file)
    held = hold_event(store, site, digest, signer, why, time.time_ns() // 1_000_000)
    store.close()
    sentence = "The event is held until two people release it."
    if not held:
        sentence = (
            "You have signed the hold. A second person must sign it, in their console, or with "
            "tallylight-estate hold and their own key, or the event is destroyed at its time."
        )
    print_result(sentence, as_json=as_json, event=digest.hex(), held=held)


def release(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    event: Event,
    key: OwnKey,
    reason: Reason = None,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Agreed = False,
    as_json: AsJson = False,
) -> None:
    """Release a held event, so that it is destroyed at its time. Two people run this."""
    office, store = open_office(config)
    site = current_site(office)
    locked = own_verdict_key(beside(key), site)
    digest = named_event(store.digests(), event)
    why = _reason(store, site, digest, locked, reason, yes=yes)
    signer = unlock(locked, passphrase_file)
    released = release_event(store, site, digest, signer, why, time.time_ns() // 1_000_000)
    store.close()
    sentence = "The event is released: it is destroyed at its time."
    if not released:
        sentence = (
            "You have signed the release. A second person must sign it, in their console, or with "
            "tallylight-estate release and their own key; until then the event is held."
        )
    print_result(sentence, as_json=as_json, event=digest.hex(), released=released)


def _reason(  # noqa: PLR0913  # Whose, of what, and how they are asked.
    store: Store, site: VerifiedSite, event: bytes, mine: KeyFile, reason: str | None, *, yes: bool
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
    me = sender_id(signing_key(mine.public))
    others = [each for each in waiting if each.act.reviewer != me]
    if waiting and not others:
        raise HoldRefused("You have signed this already: a second person signs it, with their key.")
    if not others:
        raise HoldRefused("No other person has asked for this: give a reason with --reason.")
    first = others[0]
    who, why = first.reviewer, first.act.reason or ""
    typer.echo(
        f"{who.name} ({who.organisation}) asks to {first.act.kind} the event {event.hex()[:16]}.\n"
        f"Reason: {why}",
        err=True,
    )
    if not yes and not typer.confirm("Do you sign this?", err=True):
        raise HoldRefused("You did not sign: nothing was changed.")
    return why
