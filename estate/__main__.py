"""`tallylight-estate`: what estate security runs. 0 did it, 1 refused, 2 wrong usage.

Every command either does the whole of what it says or changes nothing and prints one sentence.
"""

import json
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from nacl.public import PrivateKey
from rich.console import Console
from typer.core import TyperGroup

from estate.chains import chains
from estate.commands import ledger
from estate.commands.backup import back_up, restore
from estate.commands.budget import budget
from estate.commands.report import ask as answer
from estate.commands.report import report
from estate.commands.retain import hold_event, release_event, retain
from estate.commands.review import review
from estate.commands.serve import health, serve
from estate.config import Config
from estate.opening import opened, save_crop, status_json, to_json
from estate.printing import chains_table, panel, status_line
from estate.receiver import SESSION_S, Receiver, read_cameras, receive
from estate.store import Store
from estate.unlocking import PassphraseFile, ask, unlocking
from formats.enrolment import CameraIdentity
from formats.envelope import Sealed
from formats.errors import FormatError, Refused
from formats.keyfile import (
    INTERACTIVE,
    KeyRefused,
    Purpose,
    make_key,
    unlock_opening,
    unlock_signing,
    write_key,
)
from formats.settings import read_settings
from formats.status import Status
from formats.topics import Channel, shared
from wire.certificate import Address, Certificate
from wire.connection import Connection

_Click: TypeAlias = Any  # Some versions of Typer carry a click of their own, others do not.
Settings = Annotated[Path, typer.Option("--config", help="The receiver's settings.")]
ReviewerKey = Annotated[Path | None, typer.Option("--open-with", help="A reviewer's key file.")]
Crops = Annotated[Path, typer.Option("--crops", help="Folder for the faces of opened events.")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON for each event.")]


class Commands(TyperGroup):
    """A refusal of any command is one sentence and exit 1."""

    def invoke(self, ctx: _Click) -> _Click:
        """Run the command, or say in one sentence why not."""
        try:
            return super().invoke(ctx)
        except Refused as error:
            typer.echo(f"Refused: {error}", err=True)
        except OSError as error:
            typer.echo(f"Refused: {error.strerror}: {error.filename}.", err=True)
        raise typer.Exit(1)


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def estate() -> None:
    """Receive sealed match events, keep them sealed, answer with receipts, open them."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")


@app.command("key")
def make(
    purpose: Annotated[str, typer.Argument(help="reviewer, receipt or ledger")],
    file: Annotated[Path, typer.Argument(help="The new key file.")],
    holder: Annotated[str, typer.Option(help="Who holds it: an opaque name or an office.")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a reviewer's keys, or the key that signs this estate's receipts or its books."""
    if purpose not in {Purpose.REVIEWER, Purpose.RECEIPT, Purpose.LEDGER}:
        raise KeyRefused("A key is made for one of three purposes: reviewer, receipt or ledger.")
    files = {file: Purpose(purpose)}
    if purpose == Purpose.REVIEWER:  # Opening and signing are two purposes, and so two keys.
        files[file.with_suffix(".verdict.key")] = Purpose.VERDICT
    for each in files:
        if each.exists():
            raise KeyRefused(f"{each} is there already: a key is never overwritten.")
    passphrase = ask(passphrase_file, f"New passphrase of {holder}", confirm=True)
    for each, use in files.items():
        key = make_key(use, holder, passphrase, INTERACTIVE)
        write_key(each, key)
        public = each.with_suffix(".pub")
        public.write_text(key.public.hex() + "\n", encoding="ascii")
        typer.echo(f"The {use} key of {holder} is in {each}; its public half is in {public}.")


@app.command("receive")
def run(
    config: Settings,
    open_with: ReviewerKey = None,
    crops: Crops = Path("crops"),
    passphrase_file: PassphraseFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Take events from the broker until stopped; with a reviewer's key, open each as it comes."""
    settings = read_settings(config, Config)
    cameras = read_cameras(settings.cameras)
    receipt = unlock_signing(*unlocking(settings.receipt_key, Purpose.RECEIPT, passphrase_file))
    show: Callable[[Sealed], None] = _arrival
    if open_with is not None:
        key = unlock_opening(*unlocking(open_with, Purpose.REVIEWER, passphrase_file))
        show = _opener(cameras, key, crops, as_json=as_json)
    certificate = Certificate(settings.broker_ca, settings.certificate, settings.certificate_key)
    address = Address(settings.broker_host, settings.broker_port, settings.name, certificate)
    connection = Connection(address, shared(settings.group, Channel.EVENT), SESSION_S)
    store = Store(settings.store)
    receive(Receiver(connection, store, cameras, receipt, show), _until_stopped())
    store.close()


@app.command("open")
def reopen(
    config: Settings,
    open_with: Annotated[Path, typer.Option("--open-with", help="A reviewer's key file.")],
    crops: Crops = Path("crops"),
    passphrase_file: PassphraseFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Open every event in the store with a reviewer's key and print it."""
    settings = read_settings(config, Config)
    cameras = read_cameras(settings.cameras)
    key = unlock_opening(*unlocking(open_with, Purpose.REVIEWER, passphrase_file))
    show = _opener(cameras, key, crops, as_json=as_json)
    store = Store(settings.store)
    for sealed in store.envelopes():
        show(sealed)
    store.close()


@app.command("cameras")
def show_cameras(config: Settings, *, as_json: AsJson = False) -> None:
    """Say of every camera how many events came, how many are missing, forked, or came again."""
    settings = read_settings(config, Config)
    store = Store(settings.store)
    found = chains(store)
    store.close()
    if as_json:
        for chain in found:
            typer.echo(json.dumps(chain.to_json()))
    else:
        Console().print(chains_table(found))


app.command()(review)
app.command()(retain)
app.command()(report)
app.command("ask")(answer)
app.command()(health)
app.command()(serve)
app.command("backup")(back_up)
app.command()(restore)
app.command()(budget)
app.command("hold")(hold_event)
app.command("release")(release_event)
app.add_typer(ledger.app, name="ledger")


def _opener(
    cameras: Mapping[bytes, CameraIdentity], key: PrivateKey, crops: Path, *, as_json: bool
) -> Callable[[Sealed], None]:
    console = Console()

    def show(sealed: Sealed) -> None:
        try:
            event = opened(sealed, cameras, key)
        except FormatError as error:  # One such event must not hide those after it.
            typer.echo(f"{_name(sealed)} is kept, but not opened: {error}", err=True)
            return
        if isinstance(event, Status):
            typer.echo(json.dumps(status_json(event)) if as_json else status_line(event))
            sys.stdout.flush()
            return
        crop = save_crop(event, sealed.digest, crops)
        if as_json:
            typer.echo(json.dumps(to_json(event, crop)))
            sys.stdout.flush()
        else:
            console.print(panel(event, crop))

    return show


def _arrival(sealed: Sealed) -> None:
    typer.echo(f"{_name(sealed)} is kept, sealed, receipted.")


def _name(sealed: Sealed) -> str:
    return f"Event {sealed.header.sequence} of camera {sealed.header.sender.hex()[:8]}"


def _until_stopped() -> Callable[[], bool]:
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopped.append(received))
    return lambda: not stopped


def main() -> None:
    """Run the command line."""
    app(prog_name="tallylight-estate")


if __name__ == "__main__":
    main()
