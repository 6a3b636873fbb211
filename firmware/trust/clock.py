"""The trusted clock: bounded from below by CLOCK_BOOTTIME, the floors and the build.

A list that has ended would be valid again if the clock were set back or held back. CLOCK_BOOTTIME
of the kernel only goes forwards, and no time server steps it. So trusted time goes on at least as
fast as CLOCK_BOOTTIME, less `DRIFT_PPM`, from the latest time that was accepted:

- A time server that steps back by less than the slack, again and again, gains nothing: the trusted
  time stays where CLOCK_BOOTTIME has brought it, and the slack is granted once for each boot.
- A restart within one boot loses no time: the saved time stands beside the boot and its
  CLOCK_BOOTTIME (`firmware.trust.floors.Anchor`).
- A power cut loses at most `SAVE`, and the time until `watch` runs again.

The saved time is never later than the end of the list in use, so a clock that runs ahead does not
lock the camera out of the years between. Without a time server that vouches for it the camera is
dark, unless the site's policy allows it; `firmware.trust.time_source` says who vouches.

A time server can still hold time back by its rate: the kernel lets it slow CLOCK_BOOTTIME, too
(docs/decisions/0019-trusted-time.md). It can also run the clock ahead, which ends lists early.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Final
from uuid import UUID

from firmware.errors import ClockUntrusted, FloorsBroken
from firmware.trust.floors import DRIFT_PPM, Anchor, Floors, raise_floors, read_floors
from firmware.trust.time_source import time_quality
from formats.envelope_header import TimeQuality
from formats.policy import Policy

BUILT: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""When this version was built: an earlier time cannot be right."""
SLACK_S: Final = 5.0
"""How far the clock may stand behind trusted time, in one boot, before it is refused; beside it
`DRIFT_PPM` of the time since the boot, which a crystal without a time server runs fast."""
SAVE: Final = timedelta(minutes=1)
"""Time between two saves. A save replaces two files of one block: 1,440 saves a day write about
90 MB with the file system's journal (64 KiB each), 33 GB a year, a thousandth of what a card of
32 GB takes at 1,000 cycles."""
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""The kernel's random name of this boot."""


def wall_clock() -> datetime:
    """Return the time of the machine's clock, UTC."""
    return datetime.now(UTC)


def boottime_s() -> float:
    """Return CLOCK_BOOTTIME: seconds since the machine started, also while it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> bytes:
    """Return the (16,) random name of this boot."""
    return UUID(BOOT_ID.read_text(encoding="ascii").strip()).bytes


@dataclass(frozen=True, slots=True)
class Hands:
    """The machine's clocks, as the trusted clock reads them."""

    wall: Callable[[], datetime] = wall_clock
    boottime_s: Callable[[], float] = boottime_s
    boot_id: Callable[[], bytes] = boot_id


@dataclass(slots=True)
class Clock:
    """The trusted time of one run. `now` is asked for every frame."""

    floors: Path
    """Folder of `firmware.trust.floors`."""
    hands: Hands = field(default_factory=Hands)
    quality: Callable[[], TimeQuality] = time_quality
    save: Callable[[Path, Floors], None] = raise_floors
    """Writes the time to the disk, now or through a queue."""
    until_utc_s: int | None = None
    """The end of the list in use: no later time is saved. None: no list was accepted yet."""
    _boot: bytes = field(init=False)
    _latest: datetime = field(init=False)
    """The latest time that was accepted, and when: trusted time goes on from here."""
    _latest_at_s: float = field(init=False)
    _saved: datetime = BUILT

    def __post_init__(self) -> None:
        self._boot, self._latest_at_s = self.hands.boot_id(), self.hands.boottime_s()
        anchor = None
        with suppress(FloorsBroken):  # The verifier refuses every list by that name.
            anchor = read_floors(self.floors).anchor
        if anchor is None:
            self._latest = BUILT
            return
        self.until_utc_s = anchor.until_utc_s
        earliest_s = anchor.earliest_utc_s(self._boot, self._latest_at_s)
        self._latest = max(BUILT, datetime.fromtimestamp(earliest_s, UTC))

    def now(self) -> datetime:
        """Return the time, UTC: the machine's, or the earliest that it can be if that is later.

        Raises:
            ClockUntrusted: the clock stands before the build, or was set back or held back.
        """
        now, at_s = self.hands.wall(), self.hands.boottime_s()
        earliest = self._earliest(at_s)
        if now + timedelta(seconds=SLACK_S + at_s * DRIFT_PPM / 1e6) < earliest:
            raise ClockUntrusted(
                f"The clock stands at {now:%Y-%m-%d %H:%M} UTC, before {earliest:%Y-%m-%d %H:%M}: "
                f"set it right{self._if_it_ran_ahead()}."
            )
        if now > earliest:
            self._latest, self._latest_at_s = now, at_s
        return max(now, earliest)

    def check(self, policy: Policy) -> None:
        """Refuse a clock that may not be used under `policy`.

        Raises:
            ClockUntrusted: no time server vouches for it as the policy demands.
        """
        quality = self.quality()
        if policy.authenticated_time and quality is not TimeQuality.AUTHENTICATED:
            raise ClockUntrusted(
                "No time server proves its identity, which the policy demands: set up chrony with "
                "NTS (docs/lamp.md), or set authenticated_time = false in the site's policy."
            )
        if not policy.unsynchronised and quality is TimeQuality.UNSYNCHRONISED:
            raise ClockUntrusted(
                "No time server vouches for the clock: connect one, or set unsynchronised = true "
                "in the site's policy."
            )

    def lapse_utc_s(self) -> float | None:
        """Return the time by which stored events grow old, seconds since 1970; None if unknown.

        A time server can run the clock ahead by a month, and events would be destroyed unsent. So
        this time is no later than the end of the list in use, which the site signed, unless time
        servers have proven their identity.
        """
        quality, now_s = self.quality(), self.hands.wall().timestamp()
        if quality is TimeQuality.AUTHENTICATED:
            return now_s
        if quality is TimeQuality.UNSYNCHRONISED or self.until_utc_s is None:
            return None
        return min(now_s, self.until_utc_s)

    def save_if_due(self) -> None:
        """Save the time every `SAVE`, but no time after the end of the list in use.

        Raises:
            ClockUntrusted: the clock was set back.
            FloorsBroken: the floors saved before are broken, and `save` writes at once.
        """
        now = self.now()
        if now - self._saved >= SAVE:
            self.save_earliest()
            self._saved = now

    def save_earliest(self) -> None:
        """Save the earliest time that it can be: at a stop and at a refusal, also of the clock.

        Before the first list was accepted there is no end of a list, and nothing is saved.
        """
        if self.until_utc_s is None:
            return
        at_s = self.hands.boottime_s()
        utc_s = min(int(self._earliest(at_s).timestamp()), self.until_utc_s)
        self.save(
            self.floors,
            Floors(utc_s, anchor=Anchor(utc_s, self._boot, ceil(at_s), self.until_utc_s)),
        )

    def _if_it_ran_ahead(self) -> str:
        """Return what to do if the clock is right now: trusted time goes to the list's end only."""
        if self.until_utc_s is None:
            return ""
        until = datetime.fromtimestamp(self.until_utc_s, UTC)
        return f", or wait until {until:%Y-%m-%d %H:%M} if it had run ahead and is right now"

    def _earliest(self, at_s: float) -> datetime:
        passed_s = max(0.0, at_s - self._latest_at_s) * (1 - DRIFT_PPM / 1e6)
        return self._latest + timedelta(seconds=passed_s)
