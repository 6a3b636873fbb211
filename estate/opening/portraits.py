"""Enrolment pictures that an authority sealed to the reviewers: open one, delete old ones."""

from pathlib import Path

from nacl.public import PrivateKey

from estate.signed_site import VerifiedSite
from formats.errors import FormatError
from formats.portrait import open_portrait
from formats.whole_file import destroy


def delete_unlisted(folder: Path, site: VerifiedSite) -> VerifiedSite:
    """Overwrite and delete the picture of every entry that is not on the list; return `site`."""
    listed = {entry.handle.hex() for entry in site.case.entries}
    for path in sorted(folder.glob("*.sealed")):
        if path.stem not in listed:
            destroy(path)
    return site


def find_portrait(folder: Path, handle: bytes, site: VerifiedSite, key: PrivateKey) -> bytes | None:
    """Return the JPEG for an entry; None if there is none, or it does not verify."""
    path = folder / f"{handle.hex()}.sealed"
    try:
        return open_portrait(path.read_bytes(), handle, site.policy, key)
    except (OSError, FormatError):
        return None
