"""The inbox: write the site's published repository to disk as it arrived, unverified.

Files are written in order, each whole, the timestamp last; then files that the new repository does
not have are removed. A reader in between sees the old repository, or signatures refuse the mixture
and it reads again.
"""

from collections.abc import Mapping
from pathlib import Path

from firmware.delivery import durable


def install(inbox: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a bundle into the inbox, unopened."""
    for name, content in files.items():
        path = inbox / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            durable.replace(path, content)
    for path in inbox.glob("*/*"):
        if path.relative_to(inbox).as_posix() not in files:
            path.unlink()
