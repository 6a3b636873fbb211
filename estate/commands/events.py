"""`tallylight-estate receive` and `open`: receive sealed events from the broker, and open them."""

import json
import logging
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from nacl.public import PrivateKey
from rich.console import Console

from estate.commands.hand_overs import in_one_line
from estate.commands.options import ReceiverSettings
from estate.commands.own_keys import own_opening_key, own_receipt_key
from estate.config import Config
from estate.errors import NotMet, SiteRefused
from estate.intake.addressees import refuse_misaddressed
from estate.intake.receiver import SESSION_S, Receiver, read_cameras, receive
from estate.opening.decrypt import event_json, open_envelope, save_crop, status_json
from estate.opening.terminal import event_panel, status_line
from estate.passphrase import PassphraseFile, ask, unlock
from estate.signed_site import VerifiedSite, read_site, stored_recipients
from estate.store.envelopes import Store
from estate.verdicts.hand_overs import HandOver, HandOvers
from formats.camera_request import CameraIdentity
from formats.envelope import Sealed
from formats.errors import FormatError, Refused
from formats.keyfile import unlock_opening
from formats.recipients import Reviewer
from formats.settings import read_settings
from formats.status import Status
from formats.topics import Channel, shared
from wire.certificate import Address, Certificate
from wire.connection import Connection

Crops = Annotated[
    Path | None,
    typer.Option(
        "--crops", help="Save the faces here. Destroy them yourself: no retention reaches them."
    ),
]
Gone = Annotated[Path | None, typer.Option(hidden=True)]
EventsAsJson = Annotated[bool, typer.Option("--json", help="One line of JSON for each event.")]

log = logging.getLogger(__name__)


def receive_events(
    config: ReceiverSettings,
    passphrase_file: PassphraseFile = None,
    *,
    open_with: Gone = None,
    crops: Gone = None,
    as_json: EventsAsJson = False,
) -> None:
    """Receive events from the broker until stopped. They stay sealed."""
    if open_with or crops:
        raise Refused(
            "receive opens no event any more: start it without --open-with and --crops, and open "
            "events with tallylight-estate review, or open."
        )
    settings = read_settings(config, Config)
    cameras = read_cameras(settings.cameras)
    read_site = _site_reader(settings)
    receipt = unlock(own_receipt_key(settings.receipt_key, read_site), passphrase_file)
    store = Store(settings.store)
    certificate = Certificate(settings.broker_ca, settings.certificate, settings.certificate_key)
    address = Address(settings.broker_host, settings.broker_port, settings.name, certificate)
    connection = Connection(address, shared(settings.group, Channel.EVENT), SESSION_S)
    on_stored = partial(_print_arrival, as_json=as_json)
    receiver = Receiver(connection, store, cameras, receipt, on_stored, read_site)
    receiver.read_cameras = partial(read_cameras, settings.cameras)
    receive(receiver, _until_stopped())
    store.close()


def open_events(
    config: ReceiverSettings,
    open_with: Annotated[Path, typer.Option("--open-with", help="A reviewer's key file.")],
    crops: Crops = None,
    passphrase_file: PassphraseFile = None,
    *,
    as_json: EventsAsJson = False,
) -> None:
    """Open every event in the store with a reviewer's key, and print it with its hand-overs.

    Decided events are among them: it shows no verdict and no decision. The console does.
    """
    settings = read_settings(config, Config)
    cameras = read_cameras(settings.cameras)
    locked = own_opening_key(open_with, _site_reader(settings))
    asked = ask(passphrase_file, f"Passphrase of {locked.holder}", confirm=False)
    key = unlock_opening(locked, asked)
    store, reviewers = Store(settings.store), _reviewers(settings)
    with store.reading() as connection:
        handed_over = HandOvers().every(connection, reviewers)
    show = _opener(store, cameras, key, handed_over, crops, as_json=as_json)
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
    return partial(_read_site, settings)


def _read_site(settings: Config) -> VerifiedSite:
    return read_site(Path(settings.site), Path(settings.trusted_root), datetime.now(UTC))


def _reviewers(settings: Config) -> Mapping[bytes, Reviewer] | None:
    """Return the site's reviewers; None if the settings name no site, or it does not verify."""
    if not (settings.site and settings.trusted_root):
        return None
    try:
        return _read_site(settings).reviewers
    except (SiteRefused, OSError):
        return None


def _check(store: Store, sealed: Sealed) -> None:
    """Refuse an event that is sealed to others, if this store has ever met the recipients."""
    with store.reading() as connection:
        unmet = not stored_recipients(connection)
    if unmet:
        why = "its recipients are not checked, because this store has met none"
        typer.echo(f"{_name(sealed)}: {why}.", err=True)
    else:
        refuse_misaddressed(store, sealed)


def _opener(  # noqa: PLR0913  # What opens an event, and what is shown with it.
    store: Store,
    cameras: Mapping[bytes, CameraIdentity],
    key: PrivateKey,
    handed_over: Sequence[HandOver],
    crops: Path | None,
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
        crop = None if crops is None else save_crop(event, sealed.digest, crops)
        mine = [each for each in handed_over if each.event == sealed.digest.hex()]
        if as_json:
            more = {"envelope": sealed.digest.hex(), "handed_over": [asdict(each) for each in mine]}
            typer.echo(json.dumps(event_json(event, crop) | more))
            sys.stdout.flush()
        else:
            rows = [("handed over", in_one_line(each)) for each in mine]
            console.print(event_panel(event, crop, [("event", sealed.digest.hex()[:16]), *rows]))

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
