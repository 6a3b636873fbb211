"""Warnings of gaps and forks in cameras' chains, once each, while the receiver runs (monitoring).

Each minute looks at what arrived lately, and once an hour at every event: the work of a minute does
not grow with what is stored. An event that was deleted from the store shows within the hour.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Final

from estate.intake.chains import SETTLED_MS, Fork, Gap, read_losses
from estate.store.envelopes import Store

LOSSES_S: Final = 60.0
"""Time between two checks."""
LATELY_MS: Final = 600_000
"""A check looks at events of this time: ten checks, for receivers whose clocks differ."""
WHOLE_S: Final = 3600.0
"""Time between two checks of all events."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Losses:
    """What was reported, and when it was looked at last."""

    _checked_s: float = float("-inf")
    """CLOCK_MONOTONIC."""
    _whole_s: float = float("-inf")
    """CLOCK_MONOTONIC of the last check of all events."""
    _reported: set[Gap | Fork] = field(default_factory=set)

    def report_if_due(self, store: Store) -> None:
        """Log a warning for what is new, once in a minute."""
        if time.monotonic() - self._checked_s >= LOSSES_S:
            self.report(store)

    def report(self, store: Store) -> None:
        """Log a warning for each new gap, and for each camera with a new fork."""
        now_s, settled_ms = time.monotonic(), time.time_ns() // 1_000_000 - SETTLED_MS
        since_ms = settled_ms - LATELY_MS
        if now_s - self._whole_s >= WHOLE_S:
            self._whole_s, since_ms = now_s, 0
        self._checked_s = now_s
        gaps, forks = read_losses(store, since_utc_ms=since_ms or None, before_utc_ms=settled_ms)
        for gap in gaps:
            if gap not in self._reported:
                log.warning(
                    "Camera %s: at least one event before event %d is missing.",
                    gap.camera.hex(),
                    gap.sequence,
                )
        for camera in {fork.camera for fork in forks if fork not in self._reported}:
            log.warning("Camera %s: its chain of events forks.", camera.hex())
        self._reported.update(gaps, forks)
