"""`watch` in the virtual camera: the camera's own program in its own unit, on prepared pictures.

The pictures lie in the rig's folder and are shown again and again, ten a second, as a camera gives
its frames. Everything else is the camera's own.
"""

import argparse
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Final

from firmware import assembly
from firmware.__main__ import exit_code, until_stopped
from firmware.config import Config
from firmware.hardware.camera import Frame
from firmware.nets import open_eye
from firmware.supervisor import supervisor
from formats.memory import close_memory
from formats.settings import read_settings
from recognition.eye import Eye
from recognition.interpreter import Accelerator
from recognition.picture import read_picture
from recognition.pixels import Pixels

PICTURES: Final = Path("/opt/rig/pictures")
FRAME_S: Final = 0.1


class Prepared:
    """A camera of prepared pictures, without end."""

    @contextmanager
    def running(self) -> Generator[Iterator[Frame]]:
        """Read the pictures, then give each when its time has come."""
        pictures = [read_picture(path) for path in sorted(PICTURES.iterdir())]
        yield self._paced(pictures)

    @staticmethod
    def _paced(pictures: list[Pixels]) -> Iterator[Frame]:
        due_s = time.monotonic()
        for pixels in cycle(pictures):
            time.sleep(max(0.0, due_s - time.monotonic()))
            due_s = max(due_s, time.monotonic() - FRAME_S) + FRAME_S
            yield Frame(pixels.copy(), time.monotonic_ns())


def main() -> int:
    """Look at the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    chosen = parser.parse_args()
    return exit_code(lambda: _watch(chosen.config))


def _watch(file: Path) -> None:
    config = read_settings(file, Config)
    close_memory()

    def eye(accelerator: Accelerator) -> Eye:
        return open_eye(config, accelerator)

    means = assembly.Means(Prepared, eye, supervisor(), rest_s=2.0)
    assembly.run(config, means, until_stopped())


if __name__ == "__main__":
    sys.exit(main())
