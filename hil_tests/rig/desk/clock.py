"""A clock that a rig can set: a library moves what programs are told; the machine's stays."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("clock.c")
COMPILER: Final = "cc"


@dataclass(frozen=True, slots=True)
class DeskClock:
    """The clock of all programs of one desk; without a C compiler it cannot be moved."""

    folder: Path

    def make(self) -> None:
        """Compile the library; the clock is right."""
        self.move(0)
        if (compiler := shutil.which(COMPILER)) is not None:
            options = ["-shared", "-fPIC", "-O1", "-o", str(self._library)]
            subprocess.run([compiler, *options, str(SOURCE)], check=True)

    def move(self, by_s: float) -> None:
        """Let programs believe that it is so much later than it is."""
        (self.folder / "clock").write_text(f"{by_s:.0f}", encoding="ascii")

    def words(self) -> list[str]:
        """Return what stands before the command of a program that is to believe it."""
        if not self._library.exists():
            return []
        return ["env", f"LD_PRELOAD={self._library}", f"TALLYLIGHT_CLOCK={self.folder / 'clock'}"]

    @property
    def _library(self) -> Path:
        return self.folder / "clock.so"
