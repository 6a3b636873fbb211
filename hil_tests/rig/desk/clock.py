"""Sets the wall clock that programs read: a preloaded library adds seconds to the machine's clock.

The machine's own clock stays as it is, and so do the clocks that only go forwards.
"""

from dataclasses import dataclass
from pathlib import Path

from hil_tests.rig.desk.preloaded import Preloaded


@dataclass(frozen=True, slots=True)
class DeskClock:
    """The wall clock of all programs of one camera; without a C compiler it cannot be set."""

    folder: Path

    def make(self) -> None:
        """Compile the library, and set the clock to the true time."""
        self.shift(0)
        self.preloaded.make()

    def shift(self, by_s: float) -> None:
        """Set the clock this much later than the true time; negative: earlier."""
        self.file.write_text(f"{by_s:.0f}", encoding="ascii")

    @property
    def preloaded(self) -> Preloaded:
        """The library that answers for the clock."""
        source = Path(__file__).with_name("clock.c")
        return Preloaded(source, "TALLYLIGHT_CLOCK", self.folder)

    @property
    def file(self) -> Path:
        """The file with the seconds that the library adds."""
        return self.folder / "clock"
