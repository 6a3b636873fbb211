"""Encrypt an enrolment picture to the site's reviewers, and destroy it when its entry is gone.

A picture is kept on request only. It shows the head alone, upright, and holds nothing else of the
file. It is never on a disk in the clear. The recipients are the reviewers that the policy's holders
have signed; the desk cannot open it. It is overwritten and removed with its entry. Flash can keep
old cells; what they hold is encrypted.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from nacl.public import PublicKey
from nacl.signing import VerifyKey
from PIL import Image

from formats.errors import Malformed
from formats.hexadecimal import read_hex
from formats.keyfile import KeyRefused
from formats.policy import read_policy
from formats.portrait import PICTURE_LIMIT, seal_portrait
from formats.recipients import Reviewer, read_recipients
from formats.signer import Ed25519Signer
from formats.watchlist import HANDLE_BYTES
from formats.whole_file import destroy
from provisioning.disk import write_atomically
from provisioning.errors import EntryRefused
from provisioning.site.folder import Site
from provisioning.site.policy import signed_policy
from recognition.pixels import Pixels

SIDE_PX: Final = 640
"""Longest side: more than any camera's crop shows."""
QUALITIES: Final = (90, 80, 65, 50, 30)
"""Of JPEG, tried in turn until the picture fits its envelope."""


def read_handle(text: str) -> bytes:
    """Return the handle of an entry, (16,), from its hexadecimal digits.

    Raises:
        EntryRefused: the text is no handle.
    """
    try:
        return read_hex(text, HANDLE_BYTES)
    except Malformed as error:
        raise EntryRefused(
            f"{text!r} is no handle, which is {HANDLE_BYTES} bytes in lower-case hexadecimal "
            "digits: copy it from tallylight list show."
        ) from error


def portrait_reviewers(site: Site, sealer: VerifyKey) -> Sequence[Reviewer]:
    """Return the reviewers who will be able to see a picture that `sealer` seals.

    Args:
        site: the site whose signed reviewers may see it; drafted reviewers may not.
        sealer: a supplier's sealing key.

    Raises:
        SiteRefused: policy and recipients are not signed.
        KeyRefused: the key is no supplier's sealing key; reviewers would refuse the picture.
    """
    _, policy, recipients = signed_policy(site)
    if sealer not in {each.seal_key for each in read_policy(policy).suppliers}:
        raise KeyRefused("This key seals no pictures: use a key file named list-seal-....")
    return read_recipients(recipients).reviewers


def seal_for_reviewers(
    reviewers: Sequence[Reviewer], handle: bytes, picture: Pixels, sealer: Ed25519Signer
) -> bytes:
    """Seal a picture of an entry to the reviewers that were shown.

    Args:
        reviewers: from `portrait_reviewers`.
        handle: (16,) of the entry.
        picture: of any size.
        sealer: a supplier's sealing key.

    Raises:
        EntryRefused: the picture cannot be made small enough.
        Malformed: the handle has another length.
    """
    keys: list[PublicKey] = [each.key for each in reviewers]
    return seal_portrait(_encode_jpeg(picture), handle, sealer=sealer, reviewers=keys).blob


def store_portrait(site: Site, handle: bytes, blob: bytes) -> None:
    """Store a sealed picture in the site's folder."""
    site.portraits.mkdir(mode=0o700, exist_ok=True)
    write_atomically(portrait_path(site, handle.hex()), blob)


def destroy_orphaned_portraits(site: Site) -> None:
    """Overwrite and remove every picture whose entry is gone."""
    entries = {path.stem for path in site.entries.glob("*.json")}
    for path in site.portraits.glob("*.sealed"):
        if path.stem not in entries:
            destroy(path)


def portrait_path(site: Site, handle: str) -> Path:
    """Return the file of an entry's picture; it exists if a picture was kept."""
    return site.portraits / f"{handle}.sealed"


def _encode_jpeg(pixels: Pixels) -> bytes:
    """Encode the pixels alone as JPEG, small enough for the envelope."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE_PX, SIDE_PX))
    for quality in QUALITIES:
        written = BytesIO()
        picture.save(written, "JPEG", quality=quality)
        if len(written.getvalue()) <= PICTURE_LIMIT:
            return written.getvalue()
    raise EntryRefused("The picture cannot be made small enough: cut it to the face.")
