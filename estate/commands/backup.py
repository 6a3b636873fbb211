"""`tallylight-estate backup` and `restore`: copy the store, and bring a copy back."""

from pathlib import Path
from typing import Annotated

import typer

from estate.accounts.books import write_checkpoint
from estate.commands.options import AsJson, Settings, open_office, print_result
from estate.commands.own_keys import unlock_ledger_key
from estate.config import Office
from estate.passphrase import PassphraseFile
from estate.retention.backups import (
    copy_store,
    destroy_again,
    refuse_unrestorable,
    restore_copy,
)
from estate.store.envelopes import Store
from estate.store.ledger import void_checkpoints
from formats.counts import counted
from formats.settings import read_settings


def back_up(
    config: Settings,
    to: Annotated[Path, typer.Argument(help="A new file.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Copy the store while receivers run. Keep no copy longer than the retention period."""
    _, store = open_office(config)
    copy_store(store, to)
    store.close()
    sentence = f"The store is copied to {to}. Keep it no longer than the retention period."
    print_result(sentence, as_json=as_json, copy=str(to))


def restore(
    config: Settings,
    copy: Annotated[
        Path | None, typer.Option("--from", help="The copy; without it, the store as it is.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Restore a copy, then destroy again every event that was destroyed since it was made."""
    office = read_settings(config, Office)
    if copy is not None:
        refuse_unrestorable(office.store, copy)
    key = unlock_ledger_key(office, passphrase_file)
    if copy is not None:
        restore_copy(office.store, copy)
    store = Store(office.store)
    again = destroy_again(store, office.books / "certificates", key)
    with store.writing() as connection:
        void = void_checkpoints(connection, office.books, key)
    if void:
        write_checkpoint(store, key, office.books)
    store.close()
    lacking = (
        f" The copy lacks records that {counted(void, 'checkpoint')} signed: the ledger says so, "
        "signed, and goes on from here."
    )
    sentence = f"The store is restored; {counted(again, 'event')} destroyed again. Run retain now."
    fields = {"destroyed_again": again, "void_checkpoints": void}
    print_result(sentence + lacking * bool(void), as_json=as_json, **fields)
