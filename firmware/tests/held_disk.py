"""A stalled disk: while a test holds it, every fsync of this process waits, as on a worn card."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REAL_FSYNC = os.fsync


@dataclass
class HeldDisk:
    """The disk of this process."""

    folder: Path | None = None
    """Only files below it are held; None: all."""
    _free: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._free.set()

    def hold(self) -> None:
        """Let every fsync wait from now on."""
        self._free.clear()

    def let_go(self) -> None:
        """Let every fsync that waits return."""
        self._free.set()

    def fsync(self, file: int) -> None:
        """Wait while the disk is held."""
        path = Path(f"/proc/self/fd/{file}").readlink()
        if self.folder is None or path.is_relative_to(self.folder):
            assert self._free.wait(60), "The test forgot to let the disk go."
        REAL_FSYNC(file)


@contextmanager
def held_disk(folder: Path | None = None) -> Iterator[HeldDisk]:
    """Give a disk that a test may hold; let it go at the end."""
    disk = HeldDisk(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", disk.fsync)
        try:
            yield disk
        finally:
            disk.let_go()
