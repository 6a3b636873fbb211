"""The inbox: the site's published repository as it arrived, believed by nobody yet.

Files are put down in order, each whole, the timestamp last; then whatever the new repository does
not have is removed. Whoever reads in between sees the old repository, or is refused by its
signatures and reads again.
"""

from collections.abc import Mapping
from pathlib import Path

from firmware.delivery import durable


def install(inbox: Path, files: Mapping[str, bytes]) -> None:
    """Put the files of a bundle into the inbox, unopened."""
    for name, content in files.items():
        path = inbox / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            durable.replace(path, content)
    for path in inbox.glob("*/*"):
        if path.relative_to(inbox).as_posix() not in files:
            path.unlink()
