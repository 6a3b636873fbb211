"""Puts a run of `watch` together from verified parts, or says why there is none.

The order is the order of trust: keys, nets, list, threshold, outbox, lamp. Only with all of them
does anything ask for light.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from nacl.signing import VerifyKey

from firmware.config import Config
from firmware.delivery.outbox import Outbox
from firmware.errors import FirmwareError, LampDark, OutboxFull
from firmware.hardware.camera import Camera
from firmware.hardware.lamp import Lamp
from firmware.identity import watch_keys
from firmware.record.counts import Counts
from firmware.record.ledger import Ledger
from firmware.reporter import Reporter
from firmware.search import Search
from firmware.sight import Sight
from firmware.site import ListRefused, ThisCamera, Watchlist, verify_accepted, verify_site
from firmware.tracks import Tracks
from firmware.watch import Station, watch
from formats import VERSION
from formats.envelope import sender_id
from formats.errors import FormatError
from formats.keyfile import read_public_key
from formats.ledger import Happening, Program
from formats.modelbundle import verify_bundle
from recognition.errors import RecognitionError
from recognition.eye import Eye
from recognition.interpreter import Accelerator


def run(config: Config, camera: Camera, eye: Eye, running: Callable[[], bool]) -> None:
    """Look until the frames end, a newer list comes, or `running` says no.

    Whatever ends a run, the supervisor starts the next: a newer list is taken up by a fresh start.
    """
    superseded = newer_list(config.state.inbox)
    ledger = Ledger(config.state.watch, Program.WATCH)
    ledger.append(Happening.START, {"version": VERSION})
    try:
        watch(assemble(config, eye, camera, ledger, lambda: running() and not superseded()))
    except OutboxFull:
        waiting = len(Outbox(config.state.outbox).names())
        ledger.append(Happening.OUTBOX_FULL, {"waiting": waiting})
        raise
    except (FirmwareError, FormatError, RecognitionError) as error:
        ledger.append(Happening.FAULT, {"code": type(error).__name__})
        raise
    ledger.append(Happening.STOP, {"reason": "newer list" if superseded() else "stopped"})


def open_eye(config: Config) -> Eye:
    """Return the nets of the bundle that the configuration names: the only way to have any.

    Raises:
        FormatError: there is no bundle, or the key of this image has not signed it.
        ModelRefused: a net is missing or another one, or the accelerator is not there.
    """
    trusted = VerifyKey(read_public_key(config.model_key))
    return Eye.load(verify_bundle(config.models, trusted), Accelerator(config.accelerator))


def assemble(
    config: Config, eye: Eye, camera: Camera, ledger: Ledger, running: Callable[[], bool]
) -> Station:
    """Return a station that may ask for light.

    Raises:
        IdentityRefused, ListRefused, NobodyListed, ListNotServed, OutsideHours, OutboxFull,
        LampDark: one of its parts cannot be had; nothing was looked at.
    """
    state, keys, counts = config.state, watch_keys(config.state), Counts()
    this_camera = ThisCamera(sender_id(keys.sign.verify_key), keys.list, eye.manifest.model_digest)
    watchlist = _accept(config, this_camera, ledger)
    search = Search(watchlist, eye.manifest.calibration, counts)
    search.check(datetime.now(UTC))
    outbox = Outbox(state.outbox)
    outbox.trust_receipts_from(bytes(watchlist.recipients.receipt_key))
    link = outbox.recover()
    outbox.room()
    return Station(
        lamp=Lamp(_call(config.lamp_socket)),
        camera=camera,
        sight=(sight := Sight(eye, counts)),
        tracks=Tracks(),
        search=search,
        reporter=Reporter(
            search, outbox, ledger, keys.sign, sight.runtime, eye.manifest.model_digest, link
        ),
        counts=counts,
        ledger=ledger,
        running=running,
    )


def newer_list(inbox: Path) -> Callable[[], bool]:
    """Return a question: has the inbox changed since now?"""
    before = _stamp(inbox)
    return lambda: _stamp(inbox) != before


def _stamp(inbox: Path) -> int:
    """Return when the file that changes with every publication was last written."""
    try:
        return (inbox / "metadata" / "timestamp.json").stat().st_mtime_ns
    except OSError:
        return 0


def _accept(config: Config, camera: ThisCamera, ledger: Ledger) -> Watchlist:
    """Return the list in the inbox; if it is refused, the last good one until its own end."""
    root, metadata = config.trusted_root.read_bytes(), config.state.watch / "site"
    now = datetime.now(UTC)
    try:
        watchlist = verify_site(config.state.inbox, metadata, root, camera=camera, now=now)
    except ListRefused as refusal:
        ledger.append(Happening.LIST_REFUSED, {"code": refusal.code})
        with suppress(ListRefused):
            return verify_accepted(metadata, root, camera=camera, now=now)
        raise
    body: dict[str, int | str] = {
        "version": watchlist.version,
        "digest": watchlist.digest.hex(),
        "policy_digest": watchlist.policy_digest.hex(),
        "entries": len(watchlist.entries),
    }
    ledger.append(Happening.LIST_ACCEPTED, body)
    return watchlist


def _call(path: Path) -> int:
    """Return an open descriptor to the lamp guard: the one socket of the program that sees faces.

    It is opened here and handed on, so that nothing below this module can open another.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        line.connect(str(path))
    except OSError as error:
        line.close()
        raise LampDark(
            f"The lamp guard does not answer at {path} ({os.strerror(error.errno or 0)}): "
            "start it first."
        ) from error
    line.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
    return line.detach()
