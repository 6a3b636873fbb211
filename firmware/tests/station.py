"""A whole run of `watch` for tests: real list, outbox, ledger and channel; a fake eye."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from firmware.delivery.outbox import Outbox
from firmware.delivery.waiting import LIMIT_BYTES
from firmware.disk_writer import DiskWriter
from firmware.hardware.lamp import Lamp
from firmware.hardware.temperature import Thermometer
from firmware.looking.frame_rate import FrameRate
from firmware.looking.kept_pauses import KeptPauses, open_pauses
from firmware.looking.reporter import Reporter
from firmware.looking.schedule import LookSchedule
from firmware.looking.search import Search
from firmware.looking.sight import Sight
from firmware.looking.status_sender import StatusSender
from firmware.looking.tracks import Tracks
from firmware.record.counts import Counts
from firmware.record.ledger import Ledger
from firmware.record.queued_ledger import QueuedLedger
from firmware.station import Station
from firmware.tests import desk
from firmware.tests.fakes import (
    CALIBRATION,
    DIM,
    MANIFEST,
    FakeCamera,
    FakeEmbedder,
    eye,
    template_of,
)
from firmware.tests.observations import records
from firmware.trust.accepted import begin_trust
from firmware.trust.clock import wall_clock
from firmware.trust.site_verifier import verify_site
from firmware.trust.watchlist import ThisCamera, Watchlist
from firmware.watch import watch
from formats.casefile import CaseFile
from formats.envelope import verify
from formats.event import MatchEvent
from formats.ledger import Happening, Program
from formats.message import open_event
from formats.policy import Policy
from formats.watchlist import Body, read_body, write_body
from provisioning.site.roles import make_root, sign

CAMERA_KEY = desk.signing(51)
REVIEWER = desk.opening(62)
ZERO_UTC_MS = 1000 * desk.NOW_S
"""Trusted time when CLOCK_MONOTONIC began."""


@dataclass
class ListDesk(desk.Desk):
    """A list authority of today, with the templates of the two who are on the list."""

    model_digest: bytes = MANIFEST.model_digest
    live_for: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        added = int(self.now.timestamp()) - 3600
        days = 86400
        self.entries = [
            replace(
                one,
                added_utc_s=added,
                review_utc_s=added + 20 * days,
                expires_utc_s=added + 30 * days,
            )
            for one in self.entries
        ]
        assessment = replace(self.policy.assessment, review_utc_s=added + 300 * days)
        self.policy = replace(self.policy, assessment=assessment)
        self.amend_body = self._templates
        self.amend_case = self._dates

    @property
    def root(self) -> bytes:
        holders = {
            "root": desk.ROOTS,
            "targets": desk.HOLDERS,
            "snapshot": [desk.SNAPSHOT],
            "timestamp": [desk.TIMESTAMP],
        }
        publics = {role: [key.verify_key for key in keys] for role, keys in holders.items()}
        root = make_root(publics, self.now - timedelta(days=1))
        for key in desk.ROOTS[:3]:
            sign(root, key)
        return root.to_bytes()

    def _templates(self, body: bytes) -> bytes:
        rows = b"".join(template_of(who).vector.tobytes() for who in range(len(self.entries)))
        return write_body(Body(DIM, read_body(body).handles, rows))

    def _dates(self, case: CaseFile) -> CaseFile:
        expires_utc_s = case.issued_utc_s + int(self.live_for.total_seconds())
        return replace(case, model_digest=self.model_digest, expires_utc_s=expires_utc_s)


def listed(
    folder: Path,
    *,
    now: datetime | None = None,
    policy: Callable[[Policy], Policy] = lambda policy: policy,
    empty: bool = False,
) -> Watchlist:
    """Return a list that the verifier accepted: with the first two passers-by, or `empty`."""
    now = now or datetime.now(UTC)
    at = ListDesk(policy=policy(desk.usual_policy()), now=now)
    at.entries = [] if empty else at.entries
    camera = ThisCamera(desk.CAMERA.camera_id, desk.LIST_KEY, MANIFEST.model_digest)
    at.publish(folder / "inbox")
    begin_trust(folder / "metadata")
    return verify_site(folder / "inbox", folder / "metadata", at.root, camera=camera, now=now)


@dataclass
class Run:
    """One run of `watch`, and the files that it left."""

    folder: Path
    station: Station
    said: list[str]
    """What the supervisor was told."""

    @property
    def counts(self) -> dict[str, int | str]:
        """The counts of the last period in the ledger."""
        return dict(records(self.folder, Happening.PERIOD_END)[-1])

    def events(self, key: PrivateKey = REVIEWER) -> list[MatchEvent]:
        outbox = Outbox(self.folder / "outbox")
        sealed = [outbox.read_sealed(name) for name in outbox.names()]
        return [open_event(verify(one, CAMERA_KEY.verify_key), key) for one in sealed]

    def watch(self) -> None:
        with self.station.book.writer as writer:
            try:
                watch(self.station)
            finally:
                writer.flush()


class AtOnce(DiskWriter):
    """Writes before it returns: for tests of what is written, not of who waits."""

    def submit(self, write: Callable[[], object], *, regardless: bool = False) -> None:
        assert not regardless
        write()


def reporter(
    folder: Path,
    search: Search,
    *,
    limit_bytes: int = LIMIT_BYTES,
    key: SigningKey = CAMERA_KEY,
    writer: DiskWriter | None = None,
) -> Reporter:
    outbox = Outbox(folder / "outbox", limit_bytes=limit_bytes)
    ledger = Ledger(folder, Program.WATCH)
    digest = MANIFEST.model_digest
    link = outbox.recover().link
    book = QueuedLedger(ledger, writer or AtOnce())
    return Reporter(search, outbox, book, key, "fake 1", digest, link, firmware_digest=bytes(32))


def run_of(  # noqa: PLR0913 - every test changes another one.
    folder: Path,
    channel: int,
    camera: FakeCamera,
    *,
    watchlist: Watchlist | None = None,
    embedder: FakeEmbedder | None = None,
    limit_bytes: int = LIMIT_BYTES,
    running: Callable[[], bool] = lambda: True,
    writer: DiskWriter | None = None,
) -> Run:
    """Make a station over `channel`, whose eye finds exactly the passers-by of the camera."""
    counts, said, thermometer = Counts(), list[str](), Thermometer(())
    schedule = LookSchedule(counts, lambda: 0)  # A busy machine puts no look off.
    search = Search(watchlist or listed(folder), CALIBRATION, counts)
    made = reporter(folder, search, limit_bytes=limit_bytes, writer=writer or DiskWriter())
    return Run(
        folder,
        Station(
            lamp=Lamp(channel),
            camera=camera,
            sight=Sight(eye(camera.shots, embedder), counts),
            tracks=Tracks(),
            schedule=schedule,
            frame_rate=FrameRate(schedule, thermometer),
            search=search,
            reporter=made,
            kept=KeptPauses(folder, open_pauses(folder, ZERO_UTC_MS), made.book.writer),
            counts=counts,
            book=made.book,
            thermometer=thermometer,
            status_sender=StatusSender(made, thermometer),
            now=wall_clock,
            alive=said.append,
            running=running,
        ),
        said,
    )
