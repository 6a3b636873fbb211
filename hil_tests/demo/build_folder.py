"""The demo's folder: a lock (flock) for one demo at a time, and the removal of an earlier run.

A second demo on the same folder would delete the files of the first, also while two reviewers work
in its consoles. The kernel lets go of the lock when the demo ends, also when it is killed. What no
run of the demo made is never removed.
"""

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hil_tests.errors import DeskRefused
from hil_tests.rig.desk_site import DeskSite


@contextmanager
def emptied(build: Path, desk: DeskSite) -> Generator[None]:
    """Hold the folder, without the files of an earlier run; make it if it is missing.

    Raises:
        DeskRefused: another demo holds it, it holds something that no run of the demo made, or
            files of another user.
    """
    build.mkdir(parents=True, exist_ok=True)
    held = os.open(build, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DeskRefused(
                f"Another demo runs in {build}: end it with Ctrl-C in its terminal, then repeat."
            ) from error
        _clear(build, desk)
        yield
    finally:
        os.close(held)


def _clear(build: Path, desk: DeskSite) -> None:
    found = list(build.iterdir())
    if found and not desk.passphrase.exists():
        raise DeskRefused(f"{build} holds something else: choose an empty folder.")
    try:
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except PermissionError as error:  # As after `sudo make demo`.
        raise DeskRefused(
            f"{build} holds files of another user: remove it as that user, then repeat."
        ) from error
