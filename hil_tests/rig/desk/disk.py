"""Stalls the disk of chosen programs: a preloaded library waits in fsync, fdatasync and rename.

The machine's own disk stays as it is.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from formats.ledger import Program
from hil_tests.rig.desk.preloaded import Preloaded


@dataclass(frozen=True, slots=True)
class DeskDisk:
    """The disk of all programs of one camera; without a C compiler it cannot be stalled."""

    folder: Path

    def make(self) -> None:
        """Compile the library; no program waits."""
        self.stall(())
        self.preloaded.make()

    def stall(self, programs: Collection[Program]) -> None:
        """Let these programs wait in each fsync and rename until the next call; others go on."""
        for program in Program:
            if program in programs:
                self.file(program).touch()
            else:
                self.file(program).unlink(missing_ok=True)

    @property
    def preloaded(self) -> Preloaded:
        """The library that waits."""
        return Preloaded(Path(__file__).with_name("disk.c"), "TALLYLIGHT_DISK", self.folder)

    def file(self, program: Program) -> Path:
        """The file that makes a program wait, as long as the file exists."""
        return self.folder / f"stalled-{program}"
