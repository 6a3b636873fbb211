"""`tallylight-estate ledger`: show, sign, import and export the ledgers of estate and cameras."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from estate.accounts.books import (
    ORIGIN,
    add_camera_ledger,
    camera_origins,
    checkpoint_items,
    export_books,
    last_checkpoint,
    next_checkpoint,
    write_checkpoint,
)
from estate.commands.options import (
    AsJson,
    Settings,
    Yes,
    current_site,
    open_office,
    print_result,
)
from estate.commands.own_keys import own_ledger_key
from estate.passphrase import PassphraseFile, unlock
from estate.store.ledger import ledger_head
from formats.counts import counted
from formats.public_keys import signing_key
from formats.whole_file import append_whole
from terminal import consent as screen
from terminal.differences import digest_text
from terminal.tables import print_table

app = typer.Typer(help="Show, sign, import and export the ledgers.", no_args_is_help=True)


@app.command()
def show(config: Settings, *, as_json: AsJson = False) -> None:
    """Verify the estate's ledger from its first record, and say how many records it has."""
    _, store = open_office(config)
    with store.reading() as connection:
        end, cameras = ledger_head(connection), camera_origins(connection)
    store.close()
    if as_json:
        typer.echo(json.dumps({"records": end.size, "head": end.digest.hex(), "cameras": cameras}))
        return
    shown = Table(show_header=False)
    shown.add_row("verified records", f"{end.size:,}")
    shown.add_row("head", digest_text(end.digest))
    for origin in cameras:
        shown.add_row("camera's ledger", origin)
    print_table(shown)


@app.command("checkpoint")
def sign(
    config: Settings,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Sign a checkpoint of the ledger. Give a copy of it to an outsider."""
    office, store = open_office(config)
    locked = own_ledger_key(office)
    public = signing_key(locked.public)
    checkpoint, last = next_checkpoint(store, public, office.books), None
    if (before := last_checkpoint(public, office.books)) is not None:
        last = checkpoint_items(before)
    asked = f"{locked.holder} is asked to sign that the ledger has these records."
    items = checkpoint_items(checkpoint)
    shown = screen.compared(asked, last, items, since="the last checkpoint")
    screen.agree(shown, "Sign this checkpoint?", yes=yes, json=as_json)
    signed = write_checkpoint(store, unlock(locked, passphrase_file), office.books, checkpoint)
    store.close()
    file = office.books / f"{ORIGIN}.checkpoint"
    sentence = f"{counted(signed.size, 'record')} signed: {file}. Give a copy of it to an outsider."
    print_result(
        sentence, as_json=as_json, size=signed.size, digest=signed.digest.hex(), file=str(file)
    )


@app.command()
def add(
    config: Settings,
    ledger: Annotated[Path, typer.Argument(help="A camera's ledger.jsonl.")],
    signed: Annotated[Path | None, typer.Option("--checkpoint", help="Its checkpoint.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add a camera's ledger, from its USB stick or its card."""
    office, store = open_office(config)
    beside = signed or ledger.parent / "checkpoint.json"
    origin, new = add_camera_ledger(store, current_site(office), ledger, beside)
    office.books.mkdir(mode=0o755, parents=True, exist_ok=True)
    kept = office.books / f"{origin.replace('/', '_')}.checkpoint"
    append_whole(kept, beside.read_bytes().strip() + b"\n")
    store.close()
    sentence = f"{counted(new, 'new record')} of {origin} in the books."
    print_result(sentence, as_json=as_json, origin=origin, new=new)


@app.command()
def export(
    config: Settings,
    to: Annotated[Path, typer.Argument(help="A new folder.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Export the ledgers for an outsider, who checks them with tallylight-verify."""
    office, store = open_office(config)
    files = export_books(store, current_site(office), office.books, to)
    store.close()
    sentence = f"{counted(len(files), 'file')} in {to}. Check: tallylight-verify {to}"
    if not any(file.name == f"{ORIGIN}.checkpoint" for file in files):
        sentence += "\nNo checkpoint is among them: run tallylight-estate ledger checkpoint first."
    print_result(sentence, as_json=as_json, files=[str(file) for file in files])
