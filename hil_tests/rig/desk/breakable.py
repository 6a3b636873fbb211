"""Inference faults: nets whose runtime aborts or hangs at the next look after the rig asked."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from hil_tests.rig.contract import InferenceFault
from recognition.detector import Detector
from recognition.eye import Eye
from recognition.face import Face
from recognition.pixels import Pixels

HANG_S: Final = 3600.0


def breakable(eye: Eye, file: Path) -> Eye:
    """Return the same eye; its next look fails as `file` says: "abort" or "hang".

    The file is removed first, so that a fault happens once.
    """
    return replace(eye, detector=_BreakableDetector(eye.detector, file))


class _BreakableDetector(Detector):
    def __init__(self, inner: Detector, file: Path) -> None:
        super().__init__(())
        self._inner, self._file = inner, file

    def find(self, pixels: Pixels) -> list[Face]:
        if self._file.exists():
            how = self._file.read_text(encoding="ascii")
            self._file.unlink()
            if how == InferenceFault.ABORT:
                os.abort()  # abort(3), as from inside the interpreter's call.
            time.sleep(HANG_S)
        return self._inner.find(pixels)
