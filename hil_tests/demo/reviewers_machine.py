"""A reviewer's machine in the demo: opens each event that arrives, and keeps its face in a folder.

It holds the reviewer's key. The receiver, a process of its own, has no such key.
"""

import time
from pathlib import Path

from estate.config import Config
from estate.intake.receiver import read_cameras
from estate.opening.decrypt import open_envelope, save_crop
from estate.store.envelopes import Store
from formats.event import MatchEvent
from formats.keyfile import read_key, unlock_opening
from formats.settings import read_settings
from hil_tests.demo.figures import Opened
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import PASSPHRASE, REVIEWERS


class ReviewersMachine:
    """Opens events from the store of the receiver."""

    def __init__(self, desk: DeskSite, crops: Path) -> None:
        """Unlock the first reviewer's key, and open the store."""
        settings = read_settings(desk.receiver_config, Config)
        self._key = unlock_opening(read_key(desk.estate / f"{REVIEWERS[0]}.key"), PASSPHRASE)
        self._cameras = read_cameras(settings.cameras)
        self._store = Store(settings.store)
        self._crops = crops

    def open(self, digest: str) -> Opened:
        """Open the event with this digest, in hex; return what it says, and when it was opened."""
        sealed = self._store.envelope(bytes.fromhex(digest))
        assert sealed is not None  # The receiver has just stored it.
        event = open_envelope(sealed, self._cameras, self._key)
        assert isinstance(event, MatchEvent)  # The demo's policy turns no status on.
        at_ns = time.monotonic_ns()
        crop = save_crop(event, sealed.digest, self._crops)
        return Opened(
            entry=event.entry.hex(),
            first_sight_ms=(at_ns - event.track.first_seen_mono_ns) / 1e6,
            deciding_ms=(at_ns - event.track.last_seen_mono_ns) / 1e6,
            clearest_ms=(at_ns - event.captured_mono_ns) / 1e6,
            crop=str(crop) if crop else None,
            score_ppm=event.score_ppm,
            threshold_ppm=event.threshold_ppm,
        )

    def close(self) -> None:
        """Close the store."""
        self._store.close()
