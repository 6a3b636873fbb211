"""Enrolment pictures that an authority sealed to the reviewers, and nobody else can open."""

import os
from pathlib import Path

from nacl.public import PrivateKey

from estate.signed_site import SiteNow
from formats.errors import FormatError
from formats.portrait import open_portrait


def forget_ended(folder: Path, site: SiteNow) -> SiteNow:
    """Overwrite and delete the picture of every entry that is no longer on the list."""
    listed = {entry.handle.hex() for entry in site.case.entries}
    for path in sorted(folder.glob("*.sealed")):
        if path.stem not in listed:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
    return site


def find_portrait(folder: Path, handle: bytes, site: SiteNow, key: PrivateKey) -> bytes | None:
    """Return the JPEG for an entry; None if there is none, or it is not what it claims to be."""
    path = folder / f"{handle.hex()}.sealed"
    try:
        return open_portrait(path.read_bytes(), handle, site.policy, key)
    except (OSError, FormatError):
        return None
