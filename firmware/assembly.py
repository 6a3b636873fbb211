"""Start `watch`: assemble a station from verified parts, run it, and record why it ended.

The order is the order of trust: keys, outbox, registration with its lamp record, camera driver,
nets, list, threshold, lamp, camera. No part asks for light before all of them are there. A part
that is missing is in the ledger by its name. The outbox comes early, so that a camera that stays
dark removes the events whose receipts have come.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from firmware.config import Config, State
from firmware.delivery.chain_check import check_chain
from firmware.delivery.marks import Link, Terms
from firmware.delivery.outbox import Outbox
from firmware.delivery.receipts import Receipts
from firmware.delivery.removal import Removal
from firmware.disk_writer import END_S, DiskWriter
from firmware.errors import DiskStalled, FirmwareError, LampDark, NoLease
from firmware.hardware.camera import Camera
from firmware.hardware.lamp import Lamp
from firmware.hardware.temperature import Thermometer
from firmware.identity import WatchKeys, ledger_signer, watch_keys
from firmware.looking.frame_rate import FrameRate
from firmware.looking.kept_pauses import KeptPauses, open_pauses
from firmware.looking.pauses import Pauses
from firmware.looking.reporter import Reporter
from firmware.looking.schedule import LookSchedule
from firmware.looking.search import Search
from firmware.looking.sight import Sight
from firmware.looking.status_sender import StatusSender
from firmware.looking.tracks import Tracks
from firmware.nets import OpenEye, check_evaluation, check_processor, open_nets
from firmware.program_lock import only_one
from firmware.record.counts import Counts
from firmware.record.ledger import Ledger
from firmware.record.queued_ledger import QueuedLedger
from firmware.refusal import record_refusal, stay_dark
from firmware.registration.kept import check_registration
from firmware.station import Station
from firmware.supervisor import Supervisor
from firmware.trust.acceptance import accept_inbox, site_folder
from firmware.trust.clock import Clock, Hands
from firmware.trust.floors import Floors, floors_of, raise_floors
from firmware.trust.newer_list import NewerList
from firmware.trust.time_source import time_quality
from firmware.trust.watchlist import ThisCamera, Watchlist
from firmware.update.image import refuse_image_without_camera
from firmware.watch import watch
from formats import VERSION
from formats.envelope import TimeQuality, sender_id
from formats.errors import FormatError
from formats.ledger import Happening, Program
from formats.watchlist import HANDLE_BYTES
from recognition.errors import RecognitionError
from recognition.eye import Eye


@dataclass(frozen=True, slots=True)
class Means:
    """The hardware and clock of a run of `watch`; each is opened only in its turn."""

    camera: Callable[[], Camera]
    eye: OpenEye
    supervisor: Supervisor = field(default_factory=Supervisor)
    thermometer: Thermometer = field(default_factory=Thermometer)
    hands: Hands = field(default_factory=Hands)
    """The machine's clocks."""
    quality: Callable[[], TimeQuality] = time_quality
    """Who vouches for them."""
    rest_s: float = 0.0
    """After a refusal the program stays dark this long before it ends, so that a supervisor that
    starts it again does not do so at once; a newer list ends the rest."""


def run(config: Config, means: Means, running: Callable[[], bool]) -> None:
    """Look until the frames end, a newer list comes, or `running` returns False.

    After every end the supervisor starts the program anew, which is how a newer list is taken up.
    From the first light on every write waits in a queue for the disk, so that a program that is
    told to stop ends within 2 s while its disk hangs.

    Raises:
        AlreadyRunning: another `watch` has this state folder.
        FirmwareError, FormatError, RecognitionError: as of `assemble` and `watch`.
    """
    with only_one(config.state.watch, Program.WATCH), DiskWriter() as writer:
        ledger = Ledger(config.state.watch, Program.WATCH)
        ledger.append_if_room(Happening.START, {"version": VERSION})
        means.supervisor.ready()
        book = QueuedLedger(ledger, writer)
        newer = NewerList(config, book, means.hands.wall)
        clock = _open_clock(config.state, means, writer)

        def go_on() -> bool:
            return running() and not newer.arrived()

        try:
            station = assemble(config, means, book, clock, go_on)
            with closing(station.lamp):
                watch_through_stalls(station, config.state, means, go_on)
            book.append(Happening.STOP, {"reason": "newer list" if newer.arrived() else "stopped"})
            book.sign()
            clock.save_earliest()
            writer.flush(within_s=END_S)
        except (FirmwareError, FormatError, RecognitionError) as error:
            record_refusal(config.state, book, error)
            clock.save_earliest()
            stay_dark(error, means.rest_s, writer, go_on, means.supervisor)
            raise


def watch_through_stalls(
    station: Station, state: State, means: Means, running: Callable[[], bool]
) -> None:
    """Run `watch`; after a stall of the disk run it again, in a new period, with the same parts.

    A fresh start takes seconds more.

    Raises:
        FirmwareError: as of `watch`; `DiskStalled` only if this program is told to stop as well.
    """
    stalled = False
    while not stalled or running():
        try:
            watch(station)
        except DiskStalled as error:
            if not running():
                raise
            stalled = True
            record_refusal(state, station.book, error)
            stay_dark(error, means.rest_s, station.book.writer, running, means.supervisor)
        except NoLease as error:  # The guard's disk can stall for longer than this program's.
            if not stalled:
                raise
            means.supervisor.alive(f"dark: {error}")
        else:
            return


def assemble(
    config: Config, means: Means, book: QueuedLedger, clock: Clock, running: Callable[[], bool]
) -> Station:
    """Return a station that may ask for light.

    Raises:
        IdentityRefused, NotRegistered, NoCameraDriver, FolderShared, ForeignFile, ListRefused,
        NetsNotJudged, AcceleratorMissing, ProcessorRefused, NobodyListed, ListNotServed,
        OutsideHours, OutboxFull, LampDark: a part is missing or refused; no frame was looked at.
    """
    state, keys = config.state, watch_keys(config.state)
    book.ledger.sign_with(ledger_signer(state, Program.WATCH))
    outbox, link = _open_outbox(state, keys, book.ledger, running, means.supervisor)
    removal = Removal(outbox, Receipts(state.receipts), book.ledger, clock.lapse_utc_s)
    while removal.round() and running():
        means.supervisor.alive("dark: removing events that were receipted")
    check_registration(state)
    refuse_image_without_camera(config.image)
    eye, watchlist = _accept(config, means, keys, book.ledger, clock)
    counts = Counts()
    schedule = LookSchedule(counts)
    search = Search(watchlist, eye.manifest.calibration, counts)
    search.check(clock.now())
    key, days = bytes(watchlist.recipients.receipt_key), watchlist.policy.retention_days
    outbox.set_terms(Terms(key, days))
    outbox.room()
    sight, model_digest = Sight(eye, counts), eye.manifest.model_digest
    camera = means.camera()
    reporter = Reporter(search, outbox, book, keys.sign, sight.runtime, model_digest, link)
    reporter.remove = removal.round
    return Station(
        lamp=Lamp(_connect_guard(config.lamp_socket)),
        camera=camera,
        sight=sight,
        tracks=Tracks(),
        schedule=schedule,
        frame_rate=FrameRate(schedule, means.thermometer),
        search=search,
        reporter=reporter,
        kept=_open_pauses(state, watchlist, book, clock),
        counts=counts,
        book=book,
        thermometer=means.thermometer,
        status_sender=StatusSender(reporter, means.thermometer),
        now=clock.now,
        alive=means.supervisor.alive,
        running=_checked(running, clock, book),
    )


def _open_clock(state: State, means: Means, writer: DiskWriter) -> Clock:
    """Return the trusted clock, which saves its time through the queue."""

    def save(folder: Path, floors: Floors) -> None:
        writer.submit(partial(raise_floors, folder, floors), regardless=True)

    return Clock(floors_of(site_folder(state)), means.hands, means.quality, save)


def _accept(
    config: Config, means: Means, keys: WatchKeys, ledger: Ledger, clock: Clock
) -> tuple[Eye, Watchlist]:
    """Open the nets, accept the list, and check both against the list's policy."""
    eye, missing = open_nets(means.eye, config.accelerator)
    watchlist = accept_inbox(
        config.state,
        config.trusted_root.read_bytes(),
        camera=ThisCamera(sender_id(keys.sign.verify_key), keys.list, eye.manifest.model_digest),
        ledger=ledger,
        key=keys.sign,
        now=clock.now(),
    )
    clock.until_utc_s = watchlist.expires_utc_s
    clock.check(watchlist.policy)
    check_evaluation(eye.manifest, watchlist.policy)
    check_processor(config.accelerator, missing, watchlist.policy)
    if missing:
        ledger.append(Happening.FAULT, {"code": type(missing).__name__})
    return eye, watchlist


def _open_outbox(
    state: State,
    keys: WatchKeys,
    ledger: Ledger,
    running: Callable[[], bool],
    supervisor: Supervisor,
) -> tuple[Outbox, Link | None]:
    """Return the outbox, repaired and compared with the ledger, and its newest event."""

    def meanwhile() -> bool:
        supervisor.alive("dark: reading the events that wait")
        return running()

    outbox = Outbox(state.outbox)
    link, set_aside = outbox.recover()
    link = check_chain(outbox, ledger, link, meanwhile)
    for name in (*set_aside, *outbox.set_aside_broken(keys.sign.verify_key, meanwhile)):
        ledger.append(Happening.FAULT, {"code": "outbox_broken", "name": name})
    return outbox, link


def _open_pauses(
    state: State, watchlist: Watchlist, book: QueuedLedger, clock: Clock
) -> KeptPauses:
    """Return the pauses of the list's entries that an earlier run kept."""
    zero_utc_ms = int(1000 * (clock.now().timestamp() - time.monotonic()))
    try:
        kept = KeptPauses(state.watch, open_pauses(state.watch, zero_utc_ms), book.writer)
    except FormatError:
        book.ledger.append(Happening.FAULT, {"code": "pauses_broken"})
        kept = KeptPauses(state.watch, Pauses(zero_utc_ms), book.writer, on_disk=b"")
    handles = watchlist.handles
    kept.pauses.keep_only(
        handles[at : at + HANDLE_BYTES] for at in range(0, len(handles), HANDLE_BYTES)
    )
    return kept


def _checked(running: Callable[[], bool], clock: Clock, book: QueuedLedger) -> Callable[[], bool]:
    """Return `running`; each call also checks and saves the clock, and keeps the ledger signed."""

    def go_on() -> bool:
        clock.save_if_due()
        book.keep_signed()
        return running()

    return go_on


def _connect_guard(path: Path) -> int:
    """Return an open descriptor to the lamp guard: the one socket of the program that sees faces.

    It is opened here and handed on, so that no module below this one can open another.
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
