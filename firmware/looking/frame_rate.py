"""The frame rate: 10 frames per second, up to 20 while a look is due sooner (adaptive).

The sensor always gives 20 per second: a new rate would reach a Pi's sensor some frames later, when
the passer-by is decided. Frames between are overwritten unseen. In a crowd that takes all of the
time, and near the temperature limit, 10 per second stay: a frame costs a search for faces, and
looks are worth more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from firmware.hardware.camera import Frame
from firmware.hardware.temperature import Thermometer
from firmware.looking.schedule import LookSchedule

SOONEST_NS: Final = 60_000_000
"""Between two frames while nothing is urgent: of 20 per second every second one is left out, and of
15 or fewer none."""


@dataclass(slots=True)
class FrameRate:
    """Chooses the frames that are looked at."""

    schedule: LookSchedule
    thermometer: Thermometer

    def wanted(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the frames to look at; overwrite the others."""
        latest_ns: int | None = None
        for frame in frames:
            urgent = self.schedule.hurries and not self.thermometer.is_warm
            if latest_ns is None or urgent or frame.captured_ns - latest_ns >= SOONEST_NS:
                latest_ns = frame.captured_ns
                yield frame
            else:
                frame.forget()
