"""A worn card: files that it does not give back, as a bad block does it (EIO)."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def worn_card(*names: str) -> Iterator[None]:
    """Let no program of this process open a file of these names."""
    real = os.open

    def open_(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path in names and not flags & os.O_CREAT:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return real(path, flags, mode, dir_fd=dir_fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_)
        yield
