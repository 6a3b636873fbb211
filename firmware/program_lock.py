"""Program lock: a second `watch`, `courier` or `lampguard` on the same folder is refused.

Two programs that append to one ledger break its chain. Each program holds a lock (flock) on its own
folder for as long as it runs. The kernel lets go of it when the program ends, also when it is
killed: no file of the lock stays behind. Only the program's user and root may open the folder, so
no other program can take the lock.
"""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from firmware.errors import AlreadyRunning
from firmware.folder import Folder
from formats.ledger import Program


@contextmanager
def only_one(folder: Path, program: Program) -> Generator[None]:
    """Hold the lock on a program's own folder; make the folder if it is missing.

    Raises:
        AlreadyRunning: another process holds it.
        ForeignFile: there is something else in the folder's place.
    """
    with Folder.made(folder, 0o750) as own:
        try:
            fcntl.flock(own.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(
                f"Another {program} runs on {folder}: stop it first, or wait until it has ended."
            ) from error
        yield
