"""A disk that loses at a power cut what was not synced: names of folders, content of files.

The names come back as of the last fsync of a folder, in the order of a journal. A file comes back
with its content as of its own last fsync, or empty.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


class Disk:
    """The files below a folder, and what of them is durable."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._held: list[int] = []  # An open file's inode is not given to another.
        self._content: dict[int, bytes] = {}
        for path in self._files():
            self._sync(os.open(path, os.O_RDONLY))
        self._names = self._tree()

    def after_each_fsync(self, action: Callable[[], object]) -> list[dict[str, bytes]]:
        """Return what a power cut leaves before each fsync of `action`, and at its end."""
        left = []
        fsync = os.fsync

        def noted(descriptor: int) -> None:
            left.append(self._durable())
            fsync(descriptor)
            if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112  # No path of ours.
                self._names = self._tree()
            else:
                self._sync(os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", noted)
            action()
        left.append(self._durable())
        for descriptor in self._held:
            os.close(descriptor)
        return left

    def _sync(self, descriptor: int) -> None:
        self._held.append(descriptor)
        found = os.fstat(descriptor)
        self._content[found.st_ino] = os.pread(descriptor, found.st_size, 0)

    def _durable(self) -> dict[str, bytes]:
        return {name: self._content.get(inode, b"") for name, inode in self._names.items()}

    def _tree(self) -> dict[str, int]:
        return {str(each.relative_to(self.root)): each.stat().st_ino for each in self._files()}

    def _files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file()]


def write_back(left: dict[str, bytes], to: Path) -> Path:
    """Write what a power cut left into a new folder."""
    for name, content in left.items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(content)
    return to
