"""`tallylight-estate receive`, `open` and `cameras`: what came from the broker, and opening it."""

import json
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from nacl.public import PrivateKey
from rich.console import Console

from estate.config import Config
from estate.intake.chains import chains
from estate.intake.receiver import SESSION_S, Receiver, read_cameras, receive
from estate.opening.describe import chains_table, panel, status_line
from estate.opening.open import opened, save_crop, status_json, to_json
from estate.passphrase import PassphraseFile, unlocking
from estate.store.envelopes import Store
from formats.camera_request import CameraIdentity
from formats.envelope import Sealed
from formats.errors import FormatError
from formats.keyfile import Purpose, unlock_opening, unlock_signing
from formats.settings import read_settings
from formats.status import Status
from formats.topics import Channel, shared
from wire.certificate import Address, Certificate
from wire.connection import Connection

Settings = Annotated[Path, typer.Option("--config", help="The receiver's settings.")]
ReviewerKey = Annotated[Path | None, typer.Option("--open-with", help="A reviewer's key file.")]
Crops = Annotated[Path, typer.Option("--crops", help="Folder for the faces of opened events.")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON for each event.")]


def receive_events(
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
    show: Callable[[Sealed], None] = partial(_arrival, as_json=as_json)
    if open_with is not None:
        key = unlock_opening(*unlocking(open_with, Purpose.REVIEWER, passphrase_file))
        show = _opener(cameras, key, crops, as_json=as_json)
    certificate = Certificate(settings.broker_ca, settings.certificate, settings.certificate_key)
    address = Address(settings.broker_host, settings.broker_port, settings.name, certificate)
    connection = Connection(address, shared(settings.group, Channel.EVENT), SESSION_S)
    store = Store(settings.store)
    receive(Receiver(connection, store, cameras, receipt, show), _until_stopped())
    store.close()


def open_again(
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
        Console(markup=False).print(chains_table(found))


def _opener(
    cameras: Mapping[bytes, CameraIdentity], key: PrivateKey, crops: Path, *, as_json: bool
) -> Callable[[Sealed], None]:
    console = Console(markup=False)

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


def _arrival(sealed: Sealed, *, as_json: bool) -> None:
    if as_json:
        origin = {"camera": sealed.header.sender.hex(), "sequence": sealed.header.sequence}
        typer.echo(json.dumps({"kind": "sealed", **origin, "envelope": sealed.digest.hex()}))
    else:
        typer.echo(f"{_name(sealed)} is kept, sealed, receipted.")
    sys.stdout.flush()


def _name(sealed: Sealed) -> str:
    return f"Event {sealed.header.sequence} of camera {sealed.header.sender.hex()[:8]}"


def _until_stopped() -> Callable[[], bool]:
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopped.append(received))
    return lambda: not stopped
