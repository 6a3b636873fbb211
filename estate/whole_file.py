"""Write a file whole or not at all: a full disk leaves neither half a file nor a draft."""

import os
from contextlib import suppress
from errno import EISDIR
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path`, whole and on the disk.

    Raises:
        OSError: the disk is full or refuses; what was at `path` is unchanged. It names the file.
    """
    if not path.name:
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(path))
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
