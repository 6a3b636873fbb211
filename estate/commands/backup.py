"""`tallylight-estate backup` and `restore`."""

from pathlib import Path
from typing import Annotated

import typer

from estate.commands.office import AsJson, Settings, open_office, say
from estate.config import Office
from estate.passphrase import PassphraseFile, unlocking
from estate.retention.backups import backup, destroy_again, put_back
from estate.store.envelopes import Store
from formats.keyfile import Purpose, unlock_signing
from formats.settings import read_settings


def back_up(
    config: Settings,
    to: Annotated[Path, typer.Argument(help="A new file.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Copy the store while everything runs; keep no copy longer than the retention."""
    _, store = open_office(config)
    backup(store, to)
    store.close()
    sentence = f"The store is copied to {to}. Keep it no longer than the retention."
    say(sentence, as_json=as_json, copy=str(to))


def restore(
    config: Settings,
    copy: Annotated[Path | None, typer.Option("--from", help="A copy, if one is to come.")] = None,
    passphrase_file: PassphraseFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Bring back a copy, and destroy again what was destroyed since it was taken."""
    office = read_settings(config, Office)
    key = unlock_signing(*unlocking(office.ledger_key, Purpose.LEDGER, passphrase_file))
    if copy is not None:
        put_back(office.store, copy)
    store = Store(office.store)
    again = destroy_again(store, office.books / "certificates", key)
    store.close()
    sentence = f"The store is back; {again} events were destroyed again. Run retain now."
    say(sentence, as_json=as_json, destroyed_again=again)
