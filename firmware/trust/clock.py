"""The trusted clock: not before the build, the floors or this run; dark without a time server.

A Raspberry Pi has no clock that runs while it is off, and a list that has expired would be valid
again if the clock is set back. So the time is refused if it stands before the build, before any
signed time that was accepted, or before the time last saved. Without a time server that vouches for
it the camera is dark, unless the site's policy allows it. The saved time is never later than the
end of the list in use, so that a clock that runs ahead cannot lock the camera out of the years
between.
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
"""When this version was built: an earlier time cannot be right."""
SLACK: Final = timedelta(seconds=5)
"""How far a time server may set a running clock back in one step."""
SAVE: Final = timedelta(minutes=10)
"""Time between two saves: a power cut loses at most this much."""


def wall_clock() -> datetime:
    """Return the time of the machine's clock, UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Clock:
    """The time of one run. `now` is asked for every frame."""

    floors: Path
    """Folder of `firmware.trust.floors`."""
    read: Callable[[], datetime] = wall_clock
    synchronised: Callable[[], bool] = SYNCHRONISED.exists
    save: Callable[[Path, Floors], None] = raise_floors
    """Writes the time to the disk, now or through a queue."""
    _latest: datetime = field(default=BUILT)
    _saved: datetime = field(default=BUILT)

    def now(self) -> datetime:
        """Return the time, UTC, which is not before any time that this run has seen.

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
        """Refuse a clock that may not be used under `policy`.

        Raises:
            ClockUntrusted: no time server vouches for it, and the policy demands one.
        """
        if not policy.unsynchronised and not self.synchronised():
            raise ClockUntrusted(
                "No time server vouches for the clock: connect one, or set unsynchronised = true "
                "in the site's policy."
            )

    def save_if_due(self, until_utc_s: int) -> None:
        """Save the time every `SAVE`, but no time after `until_utc_s`.

        Raises:
            ClockUntrusted: the clock was set back.
            FloorsBroken: the floors saved before are broken, and `save` writes at once.
        """
        now = self.now()
        if now - self._saved >= SAVE:
            self.save(self.floors, Floors(min(int(now.timestamp()), until_utc_s)))
            self._saved = now
