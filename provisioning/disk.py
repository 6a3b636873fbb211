"""Atomic writes: a file or a folder appears whole or not at all.

A new content is written beside the old one and renamed into its place. Nothing is synced to
the disk here: after a power cut a command is run again.
"""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from formats.whole_file import PRIVATE, write_whole


def write_atomically(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Replace the file `path` by `content` in one step, by default readable by its owner alone.

    Raises:
        OSError: the disk is full or refuses; what was at `path` is unchanged. It names the file.
    """
    write_whole(path, content, mode=mode, synced=False)


@contextmanager
def atomic_folder(path: Path) -> Generator[Path]:
    """Yield a new, empty folder that becomes `path` if the block ends without an error.

    It replaces what `path` held before. After an error `path` is as it was.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    part = Path(mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield part
        if path.exists():
            path.rename(part / ".before")
        part.rename(path)
        shutil.rmtree(path / ".before", ignore_errors=True)
    except BaseException:
        shutil.rmtree(part)
        raise
