"""The station: the parts that one run of `watch` works with, from lamp to ledger.

`firmware.assembly` makes it from verified parts; `firmware.watch` runs it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from firmware.hardware.camera import Camera
from firmware.hardware.lamp import Lamp
from firmware.hardware.temperature import Thermometer
from firmware.looking.frame_rate import FrameRate
from firmware.looking.kept_pauses import KeptPauses
from firmware.looking.reporter import Reporter
from firmware.looking.schedule import LookSchedule
from firmware.looking.search import Search
from firmware.looking.sight import Sight
from firmware.looking.status_sender import StatusSender
from firmware.looking.tracks import Tracks
from firmware.record.counts import Counts
from firmware.record.queued_ledger import QueuedLedger


@dataclass(frozen=True, slots=True)
class Station:
    """The parts of one run of `watch`."""

    lamp: Lamp
    camera: Camera
    sight: Sight
    tracks: Tracks
    schedule: LookSchedule
    frame_rate: FrameRate
    search: Search
    reporter: Reporter
    kept: KeptPauses
    """Which entries pause, kept over restarts."""
    counts: Counts
    book: QueuedLedger
    """The ledger. While the lamp is lit no part waits for a disk."""
    thermometer: Thermometer
    status_sender: StatusSender
    now: Callable[[], datetime]
    """Returns the trusted time, UTC; raises `ClockUntrusted`."""
    alive: Callable[[str], None]
    """Tells the supervisor, after every frame looked at in light, that the program is alive."""
    running: Callable[[], bool]
    """Returns False when there is a newer list, or when an operator stops the program."""
