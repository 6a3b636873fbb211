"""`tallylight-estate retain`: destroy the events that are due. A systemd timer runs it hourly."""

import time
from typing import Annotated

import typer
from sqlalchemy import Connection

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
from estate.retention.certificates import unproven_certificates, write_again
from estate.retention.destruction import destroy, due_events, trusted_now
from estate.retention.period import retention_days
from estate.signed_site import VerifiedSite, stored_recipients
from estate.store.ledger import checkpointed_records
from formats.counts import counted
from formats.destruction import read_destruction
from formats.ledger import Record


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

    def read_records(connection: Connection) -> list[Record]:
        return checkpointed_records(connection, office.books, key.verify_key)

    days = retention_days(store, read_site, read_records)
    with store.writing() as connection:
        records = read_records(connection)
        now_s = trusted_now(connection, int(time.time()), key, clock_is_right=clock_is_right)
        due = due_events(connection, site[0] if site else None, records, now_s, days)
        folder = office.books / "certificates"
        keys = {each.ledger_key for each in stored_recipients(connection).values()}
        missing = unproven_certificates(records, folder, keys | {key.verify_key})
        again = write_again(connection, missing, folder, keys | {key.verify_key})
    signed = destroy(store, due.doomed, key, folder, site[0] if site else None)
    store.close()
    for refused in due.refused:
        typer.echo(str(refused), err=True)
    for event in missing:
        typer.echo(_missed(event, written=event in again), err=True)
    sentence = f"{counted(len(signed), 'event')} destroyed; certificates: {folder}."
    print_result(
        sentence,
        as_json=as_json,
        destroyed=[read_destruction(each, key.verify_key).event.hex() for each in signed],
        refused=[each.event.hex() for each in due.refused],
        missing_certificates=[event.hex() for event in missing],
        written_again=[event.hex() for event in missing if event in again],
    )


def _missed(event: bytes, *, written: bool) -> str:
    done = "The store had a copy: it is written again."
    if not written:
        done = "The store has no copy: bring it back from a backup of the books."
    return (
        f"The certificate of destruction of event {event.hex()[:16]} was missing or damaged. "
        f"{done} Find out who can change that folder."
    )
