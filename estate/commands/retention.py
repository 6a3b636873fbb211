"""`tallylight-estate retain`: destroy the events that are due. A systemd timer runs it hourly."""

import time
from typing import Annotated

import typer

from estate.commands.options import AsJson, Settings, current_site, open_office, print_result
from estate.opening.portraits import delete_unlisted
from estate.passphrase import PassphraseFile, unlocking
from estate.retention.destruction import destroy, due_events, trusted_now
from estate.retention.period import retention_days
from estate.signed_site import VerifiedSite
from formats.keyfile import Purpose, unlock_signing


def retain(
    config: Settings,
    passphrase_file: PassphraseFile = None,
    *,
    clock_is_right: Annotated[
        bool, typer.Option("--clock-is-right", help="After a long pause: the clock is right.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Destroy every event whose time has ended, or that two people did not confirm."""
    office, store = open_office(config)
    key = unlock_signing(*unlocking(office.ledger_key, Purpose.LEDGER, passphrase_file))

    def read_site() -> VerifiedSite:
        return delete_unlisted(office.books / "portraits", current_site(office))

    days = retention_days(store, read_site)
    with store.writing() as connection:
        now_s = trusted_now(connection, int(time.time()), clock_is_right=clock_is_right)
        due = due_events(connection, now_s, days)
    signed = destroy(store, due, key, office.books / "certificates")
    store.close()
    sentence = f"{len(signed)} events were destroyed; certificates: {office.books}."
    print_result(sentence, as_json=as_json, destroyed=[each.event.hex() for each in due])
