"""Puts a run of `watch` together from verified parts, or says why there is none.

The order is the order of trust: keys, nets, list, threshold, outbox, lamp, camera. Only with all of
them does anything ask for light. Whatever is missing is in the ledger by its name.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from nacl.signing import SigningKey, VerifyKey

from firmware.config import SYNCHRONISED, Config
from firmware.delivery.marks import Terms
from firmware.delivery.outbox import Outbox
from firmware.disk_writer import END_S, DiskWriter
from firmware.errors import (
    AcceleratorMissing,
    FirmwareError,
    LampDark,
    NetsNotJudged,
    ProcessorRefused,
)
from firmware.hardware.accelerator import opened
from firmware.hardware.camera import Camera
from firmware.hardware.lamp import Lamp
from firmware.hardware.temperature import Thermometer
from firmware.identity import ledger_signer, watch_keys
from firmware.looking.reporter import Reporter
from firmware.looking.search import Search
from firmware.looking.sight import Sight
from firmware.looking.status_sender import Teller
from firmware.looking.tracks import Tracks
from firmware.record.counts import Counts
from firmware.record.ledger import Ledger
from firmware.record.queued import QueuedLedger
from firmware.refusal import record_refusal, rest
from firmware.supervisor import Supervisor
from firmware.trust.clock import Clock, wall
from firmware.trust.floors import raise_floors
from firmware.trust.list_destruction import Books, destroy, held
from firmware.trust.site_verifier import floors_of, verify_accepted, verify_site
from firmware.trust.watchlist import ListRefused, ThisCamera, Watchlist
from firmware.watch import Station, watch
from formats import VERSION
from formats.envelope import sender_id
from formats.errors import FormatError
from formats.keyfile import read_public_key
from formats.ledger import Happening, Program
from formats.list_end import End
from formats.model_bundle import verify_bundle
from formats.policy import Policy
from recognition.errors import ModelRefused, RecognitionError
from recognition.eye import Eye
from recognition.interpreter import Accelerator
from recognition.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Means:
    """What a run of `watch` sees through, opened only when its turn has come."""

    camera: Callable[[], Camera]
    eye: Callable[[Accelerator], Eye]
    """Opens the nets on an accelerator, or on the processor."""
    supervisor: Supervisor = field(default_factory=Supervisor)
    thermometer: Thermometer = field(default_factory=Thermometer)
    wall: Callable[[], datetime] = wall
    """The machine's idea of the time, UTC."""
    synchronised: Callable[[], bool] = SYNCHRONISED.exists
    """Whether a time server vouches for it."""
    rest_s: float = 0.0
    """After a refusal the program stays dark this long before it ends, so that a supervisor that
    starts it again does not do so at once; a newer list ends the rest."""


def run(config: Config, means: Means, running: Callable[[], bool]) -> None:
    """Look until the frames end, a newer list comes, or `running` says no.

    Whatever ends a run, the supervisor starts the next: a newer list is taken up by a fresh start.
    From the first light on every write waits in a queue for the disk, so that a program that is
    told to stop ends within 2 s while its disk hangs.
    """
    superseded = newer_list(config.state.inbox)

    def go_on() -> bool:
        return running() and not superseded()

    ledger = Ledger(config.state.watch, Program.WATCH)
    ledger.append(Happening.START, {"version": VERSION})
    means.supervisor.ready()
    with DiskWriter() as writer:
        book = QueuedLedger(ledger, writer)
        try:
            watch(assemble(config, means, book, go_on))
            book.append(Happening.STOP, {"reason": "newer list" if superseded() else "stopped"})
            book.sign()
            writer.flush(within_s=END_S)
        except (FirmwareError, FormatError, RecognitionError) as error:
            record_refusal(config.state, book, error)
            rest(error, means.rest_s, writer, go_on, means.supervisor)
            raise


def open_eye(config: Config, accelerator: Accelerator) -> Eye:
    """Return the nets of the bundle that the configuration names: the only way to have any.

    Raises:
        FormatError: there is no bundle, or the key of this image has not signed it.
        ModelRefused: a net is missing or another one, or the accelerator does not answer.
        AcceleratorMissing: it is not plugged in.
    """
    trusted = VerifyKey(read_public_key(config.model_key))
    bundle = verify_bundle(config.models, trusted)
    if accelerator is Accelerator.EDGE_TPU:
        return opened(lambda: Eye.load(bundle, accelerator))
    return Eye.load(bundle, accelerator)


def assemble(
    config: Config, means: Means, book: QueuedLedger, running: Callable[[], bool]
) -> Station:
    """Return a station that may ask for light.

    Raises:
        IdentityRefused, ListRefused, NetsNotJudged, AcceleratorMissing, ProcessorRefused,
        NobodyListed, ListNotServed, OutsideHours, OutboxFull, LampDark: one of its parts cannot be
            had; nothing was looked at.
    """
    state, keys, counts = config.state, watch_keys(config.state), Counts()
    ledger, writer = book.ledger, book.writer
    ledger.sign_with(ledger_signer(state, Program.WATCH))
    eye, missing = _open(means, Accelerator(config.accelerator))
    this_camera = ThisCamera(sender_id(keys.sign.verify_key), keys.list, eye.manifest.model_digest)
    clock = Clock(
        floors_of(state.watch / "site"),
        means.wall,
        means.synchronised,
        lambda folder, floors: writer.submit(partial(raise_floors, folder, floors)),
    )
    watchlist = _accept(config, this_camera, ledger, keys.sign, clock.now())
    clock.check(watchlist.policy)
    _refuse_unjudged(eye.manifest, watchlist.policy)
    _refuse_processor(config, missing, watchlist.policy, ledger)
    search = Search(watchlist, eye.manifest.calibration, counts)
    search.check(clock.now())
    outbox = Outbox(state.outbox)
    key, days = bytes(watchlist.recipients.receipt_key), watchlist.policy.retention_days
    outbox.agree(Terms(key, days))
    link, set_aside = outbox.recover()
    for name in set_aside:
        ledger.append(Happening.FAULT, {"code": "outbox_broken", "name": name})
    outbox.room()
    return Station(
        lamp=Lamp(_call(config.lamp_socket)),
        camera=means.camera(),
        sight=(sight := Sight(eye, counts)),
        tracks=Tracks(),
        search=search,
        reporter=(
            reporter := Reporter(
                search, outbox, book, keys.sign, sight.runtime, eye.manifest.model_digest, link
            )
        ),
        counts=counts,
        book=book,
        thermometer=means.thermometer,
        teller=Teller(reporter, means.thermometer),
        alive=means.supervisor.alive,
        running=_with_time(running, clock, watchlist, book),
    )


def _open(means: Means, wanted: Accelerator) -> tuple[Eye, AcceleratorMissing | None]:
    """Return the nets; on the processor, and with what is missing, if there is no accelerator.

    They look at nothing before the policy has said whether they may run there.
    """
    try:
        return means.eye(wanted), None
    except AcceleratorMissing as missing:
        try:
            return means.eye(Accelerator.CPU), missing
        except ModelRefused:  # Nets that were made for the accelerator alone.
            raise missing from None


def _refuse_processor(
    config: Config, missing: AcceleratorMissing | None, policy: Policy, ledger: Ledger
) -> None:
    """Do nothing if the nets run on the accelerator, or the policy lets them run without."""
    if missing and not policy.processor:
        raise missing
    if missing:
        ledger.append(Happening.FAULT, {"code": type(missing).__name__})
    if Accelerator(config.accelerator) is Accelerator.CPU and not policy.processor:
        raise ProcessorRefused(
            "The policy does not let the nets run on the processor: set accelerator = "
            "'edge-tpu' in camera.toml, or ask for a policy with processor = true."
        )


def _refuse_unjudged(manifest: Manifest, policy: Policy) -> None:
    """Do nothing if the nets were evaluated as the policy demands."""
    if policy.evaluations and manifest.evaluation_digest not in policy.evaluations:
        raise NetsNotJudged(
            "The policy demands another evaluation of the nets than theirs: put a bundle on this "
            "camera that was judged so."
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


def _with_time(
    running: Callable[[], bool], clock: Clock, watchlist: Watchlist, book: QueuedLedger
) -> Callable[[], bool]:
    """Ask the same; notice at every frame if the clock was set back, and keep the ledger signed."""

    def ask() -> bool:
        clock.keep(watchlist.expires_utc_s)
        book.keep_signed()
        return running()

    return ask


def _accept(
    config: Config, camera: ThisCamera, ledger: Ledger, key: SigningKey, now: datetime
) -> Watchlist:
    """Return the list in the inbox; if it is refused, the last good one until its own end."""
    root, metadata = config.trusted_root.read_bytes(), config.state.watch / "site"
    before, now_s = held(metadata), int(now.timestamp())
    books = Books(config.state.watch / "destroyed", key, ledger)
    try:
        watchlist = verify_site(config.state.inbox, metadata, root, camera=camera, now=now)
    except ListRefused as refusal:
        ledger.append(Happening.LIST_REFUSED, {"code": refusal.code})
        with suppress(ListRefused):
            return verify_accepted(metadata, root, camera=camera, now=now)
        if before and now_s >= before.expires_utc_s:
            destroy(before, End.EXPIRED, books, now_s)
        raise
    if before and before.digest != watchlist.digest:
        destroy(before, End.REPLACED, books, now_s)
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
    line.setblocking(False)  # noqa: FBT003  # A frozen guard with a full house must not block.
    try:
        line.connect(str(path))
    except OSError as error:
        line.close()
        raise LampDark(
            f"The lamp guard does not answer at {path} ({os.strerror(error.errno or 0)}): "
            "start it first."
        ) from error
    return line.detach()
