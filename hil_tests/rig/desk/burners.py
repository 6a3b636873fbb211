"""Loads the processor: processes that compute without end, beside the camera's programs."""

import subprocess
import sys
from dataclasses import dataclass, field
from typing import Final

from hil_tests.rig.desk.programs import ending_with_us

BURN: Final = "while True: sum(range(10_000))"


@dataclass(slots=True)
class Burners:
    """Busy processes."""

    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def burn(self, count: int) -> None:
        """End the busy processes that run, and start `count` of them."""
        while self._running:
            burner = self._running.pop()
            burner.kill()
            burner.wait()
        for _ in range(count):
            self._running.append(subprocess.Popen(ending_with_us([sys.executable, "-c", BURN])))
