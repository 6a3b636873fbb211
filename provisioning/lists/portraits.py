"""Pictures that are kept on request, sealed to the reviewers whom the site's holders have signed.

What is kept is the head alone, upright and without anything else that was in the file. It never
lies on a disk in the clear, nobody at the desk can open it, and it ends with its entry: it is
overwritten where it lies and removed. Flash may keep old cells; what they hold is sealed.
"""

import os
from io import BytesIO
from pathlib import Path
from typing import Final

from nacl.public import PublicKey
from PIL import Image

from formats.keyfile import KeyRefused
from formats.policy import read_policy
from formats.portrait import PICTURE_LIMIT, seal_portrait
from formats.recipients import read_recipients
from formats.signer import Ed25519Signer
from provisioning.disk import write_whole
from provisioning.errors import EntryRefused
from provisioning.site.folder import Site
from provisioning.site.policy import signed_policy
from recognition.picture import Pixels

SIDE_PX: Final = 640
"""Longest side: more than any camera's crop shows."""
QUALITIES: Final = (90, 80, 65, 50, 30)
"""Of JPEG, tried in turn until the picture fits its envelope."""


def sealed_portrait(
    site: Site, handle: bytes, picture: Pixels, sealer: Ed25519Signer
) -> tuple[bytes, int]:
    """A picture of an entry for the site's reviewers, and how many they are.

    Args:
        site: whose reviewers may see it; as they were signed, not as somebody drafted them.
        handle: (16,) of the entry.
        picture: of any size.
        sealer: a supplier's sealing key.

    Raises:
        SiteRefused: policy and recipients are not signed.
        KeyRefused: the key is no supplier's sealing key: reviewers would refuse the picture.
        EntryRefused: the picture cannot be made small enough.
        Malformed: the handle has another length.
    """
    _, policy, recipients = signed_policy(site)
    if sealer.verify_key not in {each.seal_key for each in read_policy(policy).suppliers}:
        raise KeyRefused("This key seals no pictures: use a key file named list-seal-....")
    reviewers: list[PublicKey] = [each.key for each in read_recipients(recipients).reviewers]
    blob = seal_portrait(_jpeg(picture), handle, sealer=sealer, reviewers=reviewers).blob
    return blob, len(reviewers)


def keep_portrait(site: Site, handle: bytes, blob: bytes) -> None:
    """Put a sealed picture beside the site's entries."""
    site.portraits.mkdir(mode=0o700, exist_ok=True)
    write_whole(portrait_of(site, handle.hex()), blob)


def forget_portraits(site: Site) -> None:
    """Overwrite and remove every picture whose entry is gone."""
    entries = {path.stem for path in site.entries.glob("*.json")}
    for path in site.portraits.glob("*.sealed"):
        if path.stem not in entries:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()


def portrait_of(site: Site, handle: str) -> Path:
    """Where the picture of an entry lies, if one was kept."""
    return site.portraits / f"{handle}.sealed"


def _jpeg(pixels: Pixels) -> bytes:
    """The picture without anything but its pixels, small enough for its envelope."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE_PX, SIDE_PX))
    for quality in QUALITIES:
        written = BytesIO()
        picture.save(written, "JPEG", quality=quality)
        if len(written.getvalue()) <= PICTURE_LIMIT:
            return written.getvalue()
    raise EntryRefused("The picture cannot be made small enough: cut it to the face.")
