"""The reporter: seal a candidate's event or a status, hand them to the outbox.

There is one event for one passer-by; `firmware.looking.pauses` limits the rate of events. An event
states all that it rests on. It is sealed to the site's reviewers before it touches the disk, and
this program cannot open it again. When the outbox is full no event is made. Another thread writes
the disk, in order: no function that holds a proof of light waits for the disk.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import Final

from nacl.signing import SigningKey

from firmware.delivery.marks import Link
from firmware.delivery.outbox import Outbox
from firmware.delivery.waiting import Room
from firmware.errors import OutboxFull
from firmware.hardware.lamp import Lit
from firmware.looking.search import Candidate, Search
from firmware.looking.sight import View, encode_jpeg
from firmware.looking.tracks import Track
from firmware.record.ledger import Moment
from firmware.record.queued_ledger import QueuedLedger
from firmware.trust.time_source import time_quality
from formats import VERSION, event
from formats.envelope import NO_PREVIOUS, Sealed, sender_id
from formats.event import CROP_LIMIT
from formats.ledger import Happening
from formats.message import CameraMessage, seal_event
from formats.status import Status

DAY_S: Final = 24 * 3600
MEASURE_S: Final = 10.0
"""The outbox is measured again this often, and with every event: it may hold 15,000 files. Before
it is, the events whose receipts have come are removed."""
BACKLOG_S: Final = 1.0
"""The same, while more receipts have come than were removed at once."""
PROGRAMS: Final = ("firmware", "formats", "recognition")
"""The packages whose digest an event carries as the firmware's."""
INSTALLED: Final = Path(__file__).parents[2]
"""Where these packages are installed."""


def programs_digest(root: Path = INSTALLED) -> bytes:
    """Return the (32,) SHA-256 over the programs' own files, as docs/formats/event.md says.

    Args:
        root: the folder in which the packages lie.
    """
    digest = sha256()
    for path in sorted(path for name in PROGRAMS for path in (root / name).rglob("*.py")):
        inside = path.relative_to(root)
        if "tests" not in inside.parts:
            digest.update(f"{inside}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.digest()


@dataclass(frozen=True, slots=True)
class _Measured:
    """The outbox as it was measured; replaced as a whole, so that two threads may read it."""

    room: Room
    done: int
    """Envelopes of this run that were on the disk then."""
    at_s: float
    """CLOCK_MONOTONIC."""


@dataclass(slots=True)
class Reporter:
    """Makes the events of one run of `watch`."""

    search: Search
    outbox: Outbox
    book: QueuedLedger
    key: SigningKey
    """Signs events."""
    runtime: str
    """The runtime of the nets."""
    model_digest: bytes
    """(32,) of the nets that made the list's templates and the probes."""
    link: Link | None
    """The newest event of earlier runs, from the outbox."""
    boot_id: bytes = field(default_factory=lambda: token_bytes(16))
    firmware_digest: bytes = field(default_factory=programs_digest)
    remove: Callable[[], bool] = lambda: False
    """Removes receipted events, and returns whether there are more; see `Removal.round`."""
    stored: int = 0
    """Events of this period that are on the disk; set to 0 while no write waits."""
    _handed: int = 0
    """Events and statuses of this run that were handed over for the disk."""
    _measured: "_Measured" = field(init=False)
    _backlog: bool = False
    """Whether there are more events to remove."""

    def __post_init__(self) -> None:
        self._measured = _Measured(self.outbox.measure(), 0, time.monotonic())

    @property
    def waiting(self) -> int:
        """How many events and statuses wait for receipts, as of the last measure."""
        measured = self._measured
        return measured.room.waiting + self._handed - measured.done

    def report(
        self,
        candidate: Candidate,
        track: Track,
        lit: Lit,
        held_back: event.HeldBack | None = None,
    ) -> None:
        """Seal one event, with the track's clearest look, and hand it over for the disk.

        Args:
            candidate: the entry, and the face that resembles it.
            track: of the passer-by.
            lit: the proof of light.
            held_back: what the entry's pause held back.

        Raises:
            OutboxFull: there is no room; no event was made.
            DiskStalled: too much waits for the disk; no event was made.
            LampDark: the light ended before the event was whole.
        """
        self._refuse_full()
        described = replace(self._describe(candidate, track, lit), held_back=held_back)
        self._seal(described, lit, Happening.EVENT_SEALED)

    def report_status(self, looking_s: int, temperature_c: float | None, lit: Lit) -> None:
        """Seal one status, as an event is sealed.

        Raises:
            OutboxFull, DiskStalled: there is no room; nothing was made.
            LampDark: the light ended before the status was whole.
        """
        self._refuse_full()
        watchlist, head = self.search.watchlist, self.book.ledger.head
        described = Status(
            camera=sender_id(self.key.verify_key),
            site=watchlist.policy.site,
            boot_id=self.boot_id,
            sequence=self._next_sequence(),
            sent_utc_ms=time.time_ns() // 1_000_000,
            time_quality=time_quality(),
            looking_s=looking_s,
            lease_id=lit.lease_id,
            version=VERSION,
            firmware_digest=self.firmware_digest,
            model_digest=self.model_digest,
            runtime=self.runtime,
            list_version=watchlist.version,
            list_digest=watchlist.digest,
            list_expires_utc_s=watchlist.expires_utc_s,
            policy_digest=watchlist.policy_digest,
            waiting=self.waiting,
            ledger_size=head.size,
            ledger_digest=head.digest,
            temperature_centi=None if temperature_c is None else round(100 * temperature_c),
        )
        self._seal(described, lit, Happening.STATUS_SEALED)

    def _seal(self, described: CameraMessage, lit: Lit, happening: Happening) -> None:
        recipients = self.search.watchlist.recipients
        sealed = seal_event(
            described,
            sender=self.key,
            recipients=[reviewer.key for reviewer in recipients.reviewers],
            key_epoch=recipients.version,
            previous=self.link.digest if self.link else NO_PREVIOUS,
        )
        lit.check()
        number = self.link.number + 1 if self.link else 1
        link = Link(number, self.boot_id, described.sequence, sealed.digest)
        self.book.writer.submit(partial(self._store, sealed, link, happening, Moment.now()))
        self.link, self._handed = link, self._handed + 1

    def _store(self, sealed: Sealed, link: Link, happening: Happening, at: Moment) -> None:
        """Put one envelope on the disk and into the ledger. In the writer's thread.

        Raises:
            OutboxFull: there is no room after all.
        """
        room = self.outbox.room()
        self.outbox.put(sealed, link)
        body: dict[str, int | str] = {
            "number": link.number,
            "sequence": link.sequence,
            "envelope": link.digest.hex(),
        }
        self.book.ledger.append(happening, body, at)
        self.stored += happening is Happening.EVENT_SEALED
        left = room._replace(events=room.events - 1, waiting=room.waiting + 1)
        self._measured = _Measured(left, self._measured.done + 1, time.monotonic())

    def measure_if_due(self) -> None:
        """Have receipted events removed and the outbox measured, unless a write waits already."""
        every_s = BACKLOG_S if self._backlog else MEASURE_S
        due = time.monotonic() - self._measured.at_s >= every_s
        if due and not self.book.writer.pending:
            self.book.writer.submit(self._measure)

    def _measure(self) -> None:
        """Remove and measure. In the writer's thread: a folder can be as slow as its disk."""
        self._backlog = self.remove()
        done = self._measured.done
        self._measured = _Measured(self.outbox.measure(), done, time.monotonic())

    def _refuse_full(self) -> None:
        measured = self._measured
        if measured.room.events - (self._handed - measured.done) < 1:
            raise OutboxFull(measured.room.full)

    def _describe(self, candidate: Candidate, track: Track, lit: Lit) -> event.MatchEvent:
        watchlist, threshold = self.search.watchlist, self.search.threshold
        shown = track.clearest or View(track.last_seen_ns, candidate.probe.quality)
        quality = shown.quality
        age_ns = time.monotonic_ns() - shown.captured_ns
        captured_ms = (time.time_ns() - age_ns) // 1_000_000
        return event.MatchEvent(
            camera=sender_id(self.key.verify_key),
            site=watchlist.policy.site,
            boot_id=self.boot_id,
            sequence=self._next_sequence(),
            captured_utc_ms=captured_ms,
            captured_mono_ns=shown.captured_ns,
            time_quality=time_quality(),
            entry=candidate.handle,
            score_ppm=candidate.score_ppm,
            threshold_ppm=threshold.score_ppm,
            predicted_fpir_ppb=threshold.predicted_fpir_ppb,
            list_version=watchlist.version,
            list_digest=watchlist.digest,
            model_digest=self.model_digest,
            runtime=self.runtime,
            policy_digest=watchlist.policy_digest,
            lease_id=lit.lease_id,
            firmware_digest=self.firmware_digest,
            track=event.Track(
                track.first_seen_ns, track.last_seen_ns, track.frames_seen, track.agreed
            ),
            quality=event.Quality(
                quality.face_height_px,
                quality.inter_eye_px,
                quality.sharpness_centi,
                quality.exposure_centi,
            ),
            crop_jpeg=None if shown.pixels is None else encode_jpeg(shown.pixels, limit=CROP_LIMIT),
            retain_until_utc_s=captured_ms // 1000 + watchlist.policy.retention_days * DAY_S,
        )

    def _next_sequence(self) -> int:
        same_run = self.link is not None and self.link.boot_id == self.boot_id
        return self.link.sequence + 1 if self.link and same_run else 1
