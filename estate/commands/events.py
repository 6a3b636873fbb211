"""`tallylight-estate receive` and `open`: receive sealed events from the broker, and open them."""

import json
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from rich.console import Console

from estate.commands.options import ReceiverSettings
from estate.config import Config
from estate.errors import BooksRefused, NotMet, SiteRefused
from estate.intake.addressees import refuse_misaddressed
from estate.intake.receiver import SESSION_S, Receiver, read_cameras, receive
from estate.opening.decrypt import event_json, open_envelope, save_crop, status_json
from estate.opening.terminal import event_panel, status_line
from estate.passphrase import PassphraseFile, unlocking
from estate.signed_site import VerifiedSite, read_site, stored_recipients
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

ReviewerKey = Annotated[Path | None, typer.Option("--open-with", help="A reviewer's key file.")]
Crops = Annotated[Path, typer.Option("--crops", help="Folder for the faces of opened events.")]
EventsAsJson = Annotated[bool, typer.Option("--json", help="One line of JSON for each event.")]

log = logging.getLogger(__name__)


def receive_events(
    config: ReceiverSettings,
    open_with: ReviewerKey = None,
    crops: Crops = Path("crops"),
    passphrase_file: PassphraseFile = None,
    *,
    as_json: EventsAsJson = False,
) -> None:
    """Receive events from the broker until stopped. With a reviewer's key, open each one."""
    settings = read_settings(config, Config)
    cameras = read_cameras(settings.cameras)
    receipt = unlock_signing(*unlocking(settings.receipt_key, Purpose.RECEIPT, passphrase_file))
    read_site = _site_reader(settings)
    _check_receipt_key(receipt, read_site)
    store = Store(settings.store)
    on_stored: Callable[[Sealed], None] = partial(_print_arrival, as_json=as_json)
    if open_with is not None:
        key = unlock_opening(*unlocking(open_with, Purpose.REVIEWER, passphrase_file))
        on_stored = _opener(store, cameras, key, crops, as_json=as_json)
    certificate = Certificate(settings.broker_ca, settings.certificate, settings.certificate_key)
    address = Address(settings.broker_host, settings.broker_port, settings.name, certificate)
    connection = Connection(address, shared(settings.group, Channel.EVENT), SESSION_S)
    receiver = Receiver(connection, store, cameras, receipt, on_stored, read_site)
    receiver.read_cameras = partial(read_cameras, settings.cameras)
    receive(receiver, _until_stopped())
    store.close()


def _check_receipt_key(receipt: SigningKey, read_site: Callable[[], VerifiedSite] | None) -> None:
    """Refuse a receipt key that is not the one that the site's recipients name.

    Cameras delete an event only on a receipt of that key. A site that does not verify now is read
    again later.

    Raises:
        BooksRefused: it is another key.
    """
    try:
        site = None if read_site is None else read_site()
    except (SiteRefused, OSError):
        return
    if site is not None and receipt.verify_key != site.recipients.receipt_key:
        raise BooksRefused(
            "The receipt key in the settings is not the one that the site's recipients name: "
            "cameras would keep every event. Use that one, or have this one named and published."
        )


def open_events(
    config: ReceiverSettings,
    open_with: Annotated[Path, typer.Option("--open-with", help="A reviewer's key file.")],
    crops: Crops = Path("crops"),
    passphrase_file: PassphraseFile = None,
    *,
    as_json: EventsAsJson = False,
) -> None:
    """Open every event in the store with a reviewer's key, and print it."""
    settings = read_settings(config, Config)
    cameras = read_cameras(settings.cameras)
    key = unlock_opening(*unlocking(open_with, Purpose.REVIEWER, passphrase_file))
    store = Store(settings.store)
    show = _opener(store, cameras, key, crops, as_json=as_json)
    for sealed in store.envelopes():
        show(sealed)
    store.close()


def _site_reader(settings: Config) -> Callable[[], VerifiedSite] | None:
    """Return what reads the site; None, with a warning, if the settings name none."""
    if not (settings.site and settings.trusted_root):
        log.warning(
            "Add site and trusted_root to the settings, as in the office's: without them this "
            "receiver cannot tell whether an event is sealed to the reviewers alone."
        )
        return None
    folder, root = Path(settings.site), Path(settings.trusted_root)
    return lambda: read_site(folder, root, datetime.now(UTC))


def _check(store: Store, sealed: Sealed) -> None:
    """Refuse an event that is sealed to others, if this store has ever met the recipients."""
    with store.reading() as connection:
        unmet = not stored_recipients(connection)
    if unmet:
        why = "its recipients are not checked, because this store has met none"
        typer.echo(f"{_name(sealed)}: {why}.", err=True)
    else:
        refuse_misaddressed(store, sealed)


def _opener(
    store: Store,
    cameras: Mapping[bytes, CameraIdentity],
    key: PrivateKey,
    crops: Path,
    *,
    as_json: bool,
) -> Callable[[Sealed], None]:
    console = Console(markup=False)

    def show(sealed: Sealed) -> None:
        try:
            _check(store, sealed)
            event = open_envelope(sealed, cameras, key)
        except (FormatError, NotMet) as error:  # The events after it are still opened.
            typer.echo(f"{_name(sealed)} is stored, but was not opened: {error}", err=True)
            return
        if isinstance(event, Status):
            typer.echo(json.dumps(status_json(event)) if as_json else status_line(event))
            sys.stdout.flush()
            return
        crop = save_crop(event, sealed.digest, crops)
        if as_json:
            typer.echo(json.dumps(event_json(event, crop)))
            sys.stdout.flush()
        else:
            console.print(event_panel(event, crop))

    return show


def _print_arrival(sealed: Sealed, *, as_json: bool) -> None:
    if as_json:
        origin = {"camera": sealed.header.sender.hex(), "sequence": sealed.header.sequence}
        typer.echo(json.dumps({"kind": "sealed", **origin, "envelope": sealed.digest.hex()}))
    else:
        typer.echo(f"{_name(sealed)} is stored, still sealed, and has its receipt.")
    sys.stdout.flush()


def _name(sealed: Sealed) -> str:
    return f"Event {sealed.header.sequence} of camera {sealed.header.sender.hex()[:8]}"


def _until_stopped() -> Callable[[], bool]:
    """Return a function that says whether to go on: until SIGTERM or SIGINT."""
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopped.append(received))
    return lambda: not stopped
