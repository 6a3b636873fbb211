"""Enrolment pictures that an authority sealed to the reviewers, and nobody else can open."""

from pathlib import Path

from nacl.public import PrivateKey

from estate.site import SiteNow
from formats.errors import FormatError
from formats.portrait import open_portrait


def find_portrait(folder: Path, handle: bytes, site: SiteNow, key: PrivateKey) -> bytes | None:
    """Return the JPEG for an entry; None if there is none, or it is not what it claims to be."""
    path = folder / f"{handle.hex()}.sealed"
    try:
        return open_portrait(path.read_bytes(), handle, site.policy, key)
    except (OSError, FormatError):
        return None
