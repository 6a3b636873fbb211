"""An ext4 file system in a file, for tests that search the whole disk.

What a program left on it can be searched block by block, wherever the file system put it, also
when no file names it any more.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

IMAGE_BYTES = 40 * 1024 * 1024


class NoImage(Exception):
    """No file system can be made and mounted here; says why."""


@dataclass
class DiskImage:
    """An ext4 file system in one file."""

    file: Path
    mounted: Path

    @contextmanager
    def mount(self) -> Iterator[Path]:
        """Yield its root folder; at the end everything written is in the image.

        Raises:
            NoImage: this user may not mount, or there is no loop device.
        """
        self.mounted.mkdir(exist_ok=True)
        _run("mount", "-o", "loop", str(self.file), str(self.mounted))
        try:
            yield self.mounted
        except BaseException:
            _run(
                "umount", "--lazy", str(self.mounted)
            )  # A program that failed may hold a file open.
            raise
        _run("umount", str(self.mounted))

    def content(self) -> bytes:
        """Return every byte of the disk."""
        return self.file.read_bytes()


def make_image(folder: Path) -> DiskImage:
    """Make a new, empty file system.

    Raises:
        NoImage: only root can mount one, or a program is missing.
    """
    if os.geteuid() != 0:
        raise NoImage("only root can mount a file system")
    image = DiskImage(folder / "disk.img", folder / "mounted")
    with image.file.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    _run("mkfs.ext4", "-q", "-F", str(image.file))
    return image


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except FileNotFoundError as error:
        raise NoImage(f"there is no {command[0]}") from error
    except subprocess.CalledProcessError as error:
        raise NoImage(f"{command[0]}: {error.stderr.decode(errors='replace').strip()}") from error
