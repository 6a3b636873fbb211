"""The camera's clock, believed no further than somebody vouches for it.

A Raspberry Pi has no clock that runs while it is off, and a list that has ended comes alive again
if the clock is set back. So the time is never before the build, never before anything signed that
was accepted, never before what was last saved; and while no time server vouches for it, the camera
is dark unless the site's policy says otherwise. What is saved is never later than the end of the
list in use: a clock that runs ahead cannot lock the camera out of the years between.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from firmware.config import SYNCHRONISED
from firmware.errors import ClockUntrusted
from firmware.trust.floors import Floors, raise_floors
from formats.policy import Policy

BUILT: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""No camera with these programs existed before."""
SLACK: Final = timedelta(seconds=5)
"""How far a time server may set a running clock back in one step."""
SAVE: Final = timedelta(minutes=10)
"""Longest stretch of time that a power cut makes the camera forget."""


def wall() -> datetime:
    """The machine's idea of the time, UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Clock:
    """The time of one run. `now` is asked for every frame."""

    floors: Path
    """Folder of `firmware.trust.floors`."""
    read: Callable[[], datetime] = wall
    synchronised: Callable[[], bool] = SYNCHRONISED.exists
    save: Callable[[Path, Floors], None] = raise_floors
    """Puts the time on the disk, now or in its turn."""
    _latest: datetime = field(default=BUILT)
    _saved: datetime = field(default=BUILT)

    def now(self) -> datetime:
        """A moment in UTC that does not stand before anything this run has seen.

        Raises:
            ClockUntrusted: the clock stands before the build, or was set back.
        """
        now = self.read()
        if now + SLACK < self._latest:
            before = f"{self._latest:%Y-%m-%d %H:%M}"
            raise ClockUntrusted(
                f"The clock stands at {now:%Y-%m-%d %H:%M} UTC, before {before}: set it right."
            )
        self._latest = max(self._latest, now)
        return self._latest

    def check(self, policy: Policy) -> None:
        """Do nothing if this clock may be used under `policy`.

        Raises:
            ClockUntrusted: no time server vouches for it, and the policy does not do without.
        """
        if not policy.unsynchronised and not self.synchronised():
            raise ClockUntrusted(
                "No time server vouches for the clock: connect one, or let the site's policy do "
                "without (unsynchronised = true)."
            )

    def keep(self, until_utc_s: int) -> None:
        """Save the time now and then, but never a time after `until_utc_s`.

        Raises:
            ClockUntrusted: the clock was set back.
            FloorsBroken: what was saved before is broken, and `save` says so at once.
        """
        now = self.now()
        if now - self._saved >= SAVE:
            self.save(self.floors, Floors(min(int(now.timestamp()), until_utc_s)))
            self._saved = now
