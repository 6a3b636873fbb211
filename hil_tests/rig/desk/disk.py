"""A disk that a rig can hold: a library keeps a program waiting in fsync; the machine's goes on."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from formats.ledger import Program
from hil_tests.rig.desk.preloaded import Preloaded


@dataclass(frozen=True, slots=True)
class DeskDisk:
    """The disk of all programs of one desk; without a C compiler it cannot be held."""

    folder: Path

    def make(self) -> None:
        """Compile the library; the disk is free."""
        self.hold(())
        self.preloaded.make()

    def hold(self, programs: Collection[Program]) -> None:
        """Let these programs wait whenever they wait for the disk, and no others."""
        for program in Program:
            if program in programs:
                self.file(program).touch()
            else:
                self.file(program).unlink(missing_ok=True)

    @property
    def preloaded(self) -> Preloaded:
        """The library."""
        return Preloaded(Path(__file__).with_name("disk.c"), "TALLYLIGHT_DISK", self.folder)

    def file(self, program: Program) -> Path:
        """Where it is, this program waits."""
        return self.folder / f"held-{program}"
