"""Temperature: sensors of the processor and a PCIe accelerator, and the limit that ends looking.

A USB accelerator has no readable sensor and does not throttle itself. It shares the housing with
the processor, so the processor's limit stands for both.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware.errors import TooHot

SENSORS: Final = (
    Path("/sys/class/thermal/thermal_zone0/temp"),
    Path("/sys/class/apex/apex_0/temp"),
)
"""The processor of a Pi, and an accelerator on PCIe; both in thousandths of a degree."""
LIMIT_C: Final = 80.0
"""A Raspberry Pi slows down from here on; an Edge TPU must stay below 85 (its data sheet)."""
WARM_C: Final = 70.0
"""From here on no more is done than must be: on a Raspberry Pi without a fan the temperature still
rises for minutes after the load has."""
EVERY_S: Final = 1.0
"""Time between two readings."""


@dataclass(slots=True)
class Thermometer:
    """The sensors that this camera has."""

    sensors: tuple[Path, ...] = SENSORS
    clock_s: Callable[[], float] = time.monotonic
    is_warm: bool = False
    """Whether the latest `check` found `WARM_C` or more."""
    _read_s: float = float("-inf")

    def hottest_c(self) -> float | None:
        """Return the highest temperature in degrees Celsius; None without a readable sensor."""
        readings = []
        for sensor in self.sensors:
            try:
                readings.append(int(sensor.read_text()) / 1000)
            except (OSError, ValueError):
                continue
        return max(readings, default=None)

    def check(self) -> None:
        """Refuse to go on when it is too hot; read at most once in `EVERY_S`.

        Raises:
            TooHot: the limit is reached.
        """
        now_s = self.clock_s()
        if now_s - self._read_s < EVERY_S:
            return
        self._read_s = now_s
        hottest_c = self.hottest_c()
        self.is_warm = hottest_c is not None and hottest_c >= WARM_C
        if hottest_c is not None and hottest_c >= LIMIT_C:
            raise TooHot(
                f"The camera is {hottest_c:.0f} degrees hot, {LIMIT_C:.0f} is the limit: give it "
                "shade or air."
            )
