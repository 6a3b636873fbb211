"""Durable files: atomic replace, write, overwrite and rename, each with fsync.

After a power cut a replaced file is the old one or the new one, whole.
"""

import os
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a power cut leaves the old file or the new one, whole."""
    draft = path.with_name(f".{path.name}.part")
    write(draft, content)
    rename(draft, path)


def write(path: Path, content: bytes) -> None:
    """Write `content` and wait until the disk has it."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def overwrite(path: Path) -> None:
    """Overwrite a file with zeros in place, and wait until the disk has them.

    The file is not truncated first: a file system would then write the zeros to other blocks.
    """
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


def rename(old: Path, new: Path) -> None:
    """Move a file within one file system and wait until the disk has the new name."""
    old.rename(new)
    sync_folder(new.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the folder's list of names."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
