"""The search: compare a probe with the list in memory, above the threshold for the list's size.

The list's templates are in clear text here and in no other place. For a probe below the threshold
`candidates` returns None and keeps nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from firmware.errors import NobodyListed, OutsideHours
from firmware.looking.sight import Probe
from firmware.record.counts import Counts
from firmware.trust.watchlist import EntryLapsed, Watchlist
from formats.watchlist import HANDLE_BYTES
from recognition.calibration import Calibration, Grade, Threshold, threshold_for
from recognition.gallery import Gallery


@dataclass(frozen=True, slots=True, repr=False)
class Candidate:
    """An entry that a probe resembles. Two reviewers decide whether it is a match."""

    handle: bytes
    """(16,) of the entry; never a name."""
    score_ppm: int
    probe: Probe


class Search:
    """One accepted list, ready to be searched."""

    def __init__(self, watchlist: Watchlist, calibration: Calibration, counts: Counts) -> None:
        """Prepare the list.

        Raises:
            NobodyListed: the list has no live entry, so no face is looked at.
            ListNotServed: no threshold keeps the policy's budget of false alarms at this size.
        """
        if not len(watchlist.entries):
            raise NobodyListed("The list has no live entry: publish a list that has one.")
        self.watchlist = watchlist
        self._counts = counts
        handles = np.frombuffer(watchlist.handles, np.uint8).reshape(-1, HANDLE_BYTES)
        templates = np.frombuffer(watchlist.templates, np.int8).reshape(-1, watchlist.dim)
        # A stranger may resemble any template: each template is one chance to be wrong.
        size, budget_ppm = len(templates), watchlist.policy.fpir_ppm
        self.threshold: Threshold = threshold_for(calibration, size, budget_ppm, Grade.FUSED)
        self._gallery = Gallery(handles, templates)

    def check(self, now: datetime) -> None:
        """Refuse to search when the list or the hour does not allow it.

        Args:
            now: trusted time, UTC, which does not go back (`firmware.trust.clock`).

        Raises:
            ListRefused: the list has expired.
            OutsideHours: the policy's schedule does not let recognition run now.
        """
        self.watchlist.check(now)
        if not self.watchlist.policy.is_open(now):
            raise OutsideHours("The policy does not let recognition run at this hour.")

    def candidates(self, probes: Sequence[Probe], now: datetime) -> list[Candidate | None]:
        """Return for each fused probe the entry most like it; None: its score is too low.

        All of them are compared at once: the list is read once for a frame.

        Raises:
            ListRefused, OutsideHours: nothing may be searched any more.
        """
        self.check(now)
        self._counts.searched += len(probes)
        found = self._gallery.best_each([probe.template for probe in probes])
        return [
            self._candidate(probe, *best, now) for probe, best in zip(probes, found, strict=True)
        ]

    def _candidate(self, probe: Probe, row: int, score_ppm: int, now: datetime) -> Candidate | None:
        if score_ppm < self.threshold.score_ppm:
            return None
        self._counts.candidates += 1
        try:
            return Candidate(self.watchlist.entry(row, now).handle, score_ppm, probe)
        except EntryLapsed:
            return None
