"""A clock that a rig can set: a library moves what programs are told; the machine's stays."""

from dataclasses import dataclass
from pathlib import Path

from hil_tests.rig.desk.preloaded import Preloaded


@dataclass(frozen=True, slots=True)
class DeskClock:
    """The clock of all programs of one desk; without a C compiler it cannot be moved."""

    folder: Path

    def make(self) -> None:
        """Compile the library; the clock is right."""
        self.move(0)
        self.preloaded.make()

    def move(self, by_s: float) -> None:
        """Let programs believe that it is so much later than it is."""
        self.file.write_text(f"{by_s:.0f}", encoding="ascii")

    @property
    def preloaded(self) -> Preloaded:
        """The library."""
        source = Path(__file__).with_name("clock.c")
        return Preloaded(source, "TALLYLIGHT_CLOCK", self.folder)

    @property
    def file(self) -> Path:
        """How many seconds to add."""
        return self.folder / "clock"
