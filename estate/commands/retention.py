"""`tallylight-estate retain`: destroy the events that are due. A systemd timer runs it hourly."""

import time
from typing import Annotated

import typer

from estate.commands.options import (
    AsJson,
    Settings,
    current_site,
    open_office,
    print_result,
)
from estate.commands.own_keys import unlock_ledger_key
from estate.opening.portraits import delete_unlisted
from estate.passphrase import PassphraseFile
from estate.retention.destruction import destroy, due_events, trusted_now
from estate.retention.period import retention_days
from estate.signed_site import VerifiedSite
from estate.store.ledger import checkpointed_records


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
    key = unlock_ledger_key(office, passphrase_file)

    site: list[VerifiedSite] = []

    def read_site() -> VerifiedSite:
        site.append(delete_unlisted(office.books / "portraits", current_site(office)))
        return site[0]

    days = retention_days(store, read_site)
    with store.writing() as connection:
        records = checkpointed_records(connection, office.books, key.verify_key)
        now_s = trusted_now(connection, int(time.time()), key, clock_is_right=clock_is_right)
        due = due_events(connection, site[0] if site else None, records, now_s, days)
    signed = destroy(store, due.doomed, key, office.books / "certificates")
    store.close()
    for refused in due.refused:
        typer.echo(str(refused), err=True)
    sentence = f"{len(signed)} events were destroyed; certificates: {office.books}."
    print_result(
        sentence,
        as_json=as_json,
        destroyed=[each.event.hex() for each in due.doomed],
        refused=[each.event.hex() for each in due.refused],
    )
