"""`tallylight-estate ledger`: the books, signed, taken in from cameras, and handed to outsiders."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from estate.accounts.books import ORIGIN, add_camera_ledger, checkpoint, export_books, origins
from estate.commands.office import AsJson, Settings, open_office, say, site_now
from estate.passphrase import PassphraseFile, unlocking
from estate.store.ledger import head
from formats.keyfile import Purpose, unlock_signing

app = typer.Typer(help="Show, sign, take in and hand over the books.", no_args_is_help=True)


@app.command()
def show(config: Settings, *, as_json: AsJson = False) -> None:
    """Verify the estate's ledger from its first record, and say how long it is."""
    _, store = open_office(config)
    with store.reading() as connection:
        end, cameras = head(connection), origins(connection)
    store.close()
    if as_json:
        typer.echo(json.dumps({"records": end.size, "head": end.digest.hex(), "cameras": cameras}))
        return
    shown = Table(show_header=False)
    shown.add_row("records that hold", f"{end.size:,}")
    shown.add_row("head", end.digest.hex())
    for origin in cameras:
        shown.add_row("camera's ledger", origin)
    Console(markup=False).print(shown)


@app.command("checkpoint")
def sign(
    config: Settings, passphrase_file: PassphraseFile = None, *, as_json: AsJson = False
) -> None:
    """Sign the head of the ledger; hand a copy of the checkpoint to somebody outside."""
    office, store = open_office(config)
    key = unlock_signing(*unlocking(office.ledger_key, Purpose.LEDGER, passphrase_file))
    signed = checkpoint(store, key, office.books)
    store.close()
    file = office.books / f"{ORIGIN}.checkpoint"
    sentence = f"{signed.size:,} records are signed: {file}. Hand a copy to somebody outside."
    say(sentence, as_json=as_json, size=signed.size, digest=signed.digest.hex(), file=str(file))


@app.command()
def add(
    config: Settings,
    ledger: Annotated[Path, typer.Argument(help="A camera's ledger.jsonl.")],
    signed: Annotated[Path | None, typer.Option("--checkpoint", help="Its checkpoint.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Take in a camera's ledger, as its stick or its card brought it."""
    office, store = open_office(config)
    beside = signed or ledger.with_name("checkpoint.json")
    origin, new = add_camera_ledger(store, site_now(office), ledger, beside)
    office.books.mkdir(parents=True, exist_ok=True)
    with (office.books / f"{origin.replace('/', '_')}.checkpoint").open("ab") as kept:
        kept.write(beside.read_bytes().strip() + b"\n")
    store.close()
    sentence = f"{new:,} new records of {origin} are in the books."
    say(sentence, as_json=as_json, origin=origin, new=new)


@app.command()
def export(
    config: Settings,
    to: Annotated[Path, typer.Argument(help="A new folder.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Write the books for an outsider, who checks them with tallylight-verify."""
    office, store = open_office(config)
    files = export_books(store, site_now(office), office.books, to)
    store.close()
    sentence = f"{len(files)} files are in {to}. Check them: tallylight-verify {to}"
    say(sentence, as_json=as_json, files=[str(file) for file in files])
