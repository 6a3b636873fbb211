"""Run the real `watch` loop on drawn scenes: shipped nets, signed list, outbox and ledger; no lamp.

The guard is scripted, and grants light while the run lasts. The list has ten entries or more; those
of the cast come first. Pauses are left out, so that each passage of a listed person is due to
become an event. Of each announcement the place in the frame is noted, which tells whose it is.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from benchmarks.cast import Cast
from firmware.hardware.camera import Camera
from firmware.hardware.lamp import Lit
from firmware.looking.kept_pauses import KeptPauses
from firmware.looking.pauses import Pauses
from firmware.looking.reporter import Reporter
from firmware.looking.search import Candidate, Search
from firmware.looking.sight import Sight
from firmware.looking.tracks import Track
from firmware.tests import desk
from firmware.tests.fakes import MANIFEST, FakeCamera, ScriptedGuard, grant
from firmware.tests.station import ListDesk, Run, run_of
from firmware.trust.accepted import begin_trust
from firmware.trust.site_verifier import verify_site
from firmware.trust.watchlist import ThisCamera, Watchlist
from formats.casefile import CaseFile
from formats.event import HeldBack
from formats.lease import encode_answer
from formats.watchlist import Body, read_body, write_body
from models import FOLDER
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.eye import Eye
from recognition.face import Box
from recognition.manifest import load_manifest

ENTRIES: Final = 10
RENEWED_S: Final = 60.0
"""Length of a scripted grant, which the camera of a scene has renewed."""


def open_eye() -> Eye:
    """Return the shipped nets."""
    manifest = load_manifest(FOLDER)
    detector = Detector.load(FOLDER, manifest.detectors)
    return Eye(manifest, detector, Embedder.load(FOLDER, manifest.embedder))


@dataclass(frozen=True, slots=True)
class Announced:
    """One announcement: the time stamp of its frame, where the face was, and who was named."""

    at_ns: int
    place: int
    """Of the named entry on the list."""
    box: Box


@dataclass(slots=True)
class NotingReporter(Reporter):
    """The camera's reporter, which also notes where each announced face was."""

    noted: list[Announced] = field(default_factory=list)

    def report(
        self,
        candidate: Candidate,
        track: Track,
        lit: Lit,
        held_back: HeldBack | None = None,
    ) -> None:
        """As of `Reporter`."""
        self.noted.append(Announced(track.last_seen_ns, candidate.handle[0] - 1, track.box))
        Reporter.report(self, candidate, track, lit, held_back)


class _NoPauses(Pauses):
    def is_paused(self, handle: bytes, at_ns: int) -> bool:  # noqa: ARG002  # As its base.
        return False


@dataclass
class _StreetDesk(ListDesk):
    """A list authority whose first entry has a given template; all others are drawn."""

    templates: Sequence[bytes] = ()

    def _templates(self, body: bytes) -> bytes:
        dim = len(self.templates[0])
        return write_body(Body(dim, read_body(body).handles, b"".join(self.templates)))

    def _dates(self, case: CaseFile) -> CaseFile:
        return replace(super()._dates(case), dim=len(self.templates[0]))


def make_list(folder: Path, listed: Sequence[bytes]) -> Watchlist:
    """Return a verified list of these templates, and of drawn ones up to `ENTRIES`."""
    shape = (max(0, ENTRIES - len(listed)), len(listed[0]))
    drawn = np.random.default_rng(ENTRIES).integers(-127, 128, shape, np.int8)
    drawn[:, 0] = 127  # As stretched as embedders make them.
    rows = [*listed, *(row.tobytes() for row in drawn)]
    entries = [desk.entry(number) for number in range(1, len(rows) + 1)]
    now = datetime.now(UTC)
    at = _StreetDesk(entries=entries, now=now, templates=rows)
    camera = ThisCamera(desk.CAMERA.camera_id, desk.LIST_KEY, MANIFEST.model_digest)
    at.publish(folder / "inbox")
    begin_trust(folder / "metadata")
    return verify_site(folder / "inbox", folder / "metadata", at.root, camera=camera, now=now)


@dataclass(frozen=True, slots=True)
class StreetWatch:
    """`watch` in front of a camera; `run` returns what it announced."""

    made: Run
    reporter: NotingReporter
    guard: ScriptedGuard

    def run(self) -> list[Announced]:
        """Look at the camera's frames to their end."""
        self.made.watch()
        return self.reporter.noted

    def renew_light(self) -> None:
        """Grant light for another minute: the camera calls it now and then."""
        self.guard.says(encode_answer(grant(RENEWED_S)))


@contextmanager
def street_watch(camera: Camera, eye: Eye, cast: Cast) -> Iterator[StreetWatch]:
    """Assemble `watch` in front of a camera of drawn frames, with a list of those in the cast."""
    with TemporaryDirectory(prefix="tallylight-bench-") as scratch:
        yield from _assembled(Path(scratch), camera, eye, cast)


def _assembled(folder: Path, camera: Camera, eye: Eye, cast: Cast) -> Iterator[StreetWatch]:
    watchlist = make_list(folder, list(cast.listed.values()))
    with ScriptedGuard() as guard:
        made = run_of(folder, guard.channel, FakeCamera([]), watchlist=watchlist)
        station = made.station
        search = Search(watchlist, eye.manifest.calibration, station.counts)
        reporter = _noting(station.reporter, search)
        pauses = _NoPauses(station.kept.pauses.zero_utc_ms)
        made.station = replace(
            station,
            camera=camera,
            sight=Sight(eye, station.counts),
            search=search,
            reporter=reporter,
            kept=KeptPauses(folder, pauses, station.book.writer),
        )
        # On a machine with other work the looks' deadline still is CPU time.
        made.station.schedule.clock_ns = time.thread_time_ns
        yield StreetWatch(made, reporter, guard)


def _noting(reporter: Reporter, search: Search) -> NotingReporter:
    parts = {one.name: getattr(reporter, one.name) for one in fields(reporter) if one.init}
    kept = {name: part for name, part in parts.items() if not name.startswith("_")}
    return NotingReporter(**(kept | {"search": search}))
