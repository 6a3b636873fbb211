"""Enrolment pictures: seal an entry's portrait to the reviewers, and open it beside that entry.

An authority may send one, so that two reviewers compare a face with a face and not with words. It
travels in an envelope of its own kind, which no camera can open. The entry's handle stands inside,
so a picture cannot be shown beside another entry. Byte tables: docs/formats/portrait.md.
"""

from collections.abc import Sequence
from typing import Final

from nacl.public import PrivateKey, PublicKey

from formats.envelope import Kind, Origin, Sealed, TimeQuality, open_sealed, read, seal, verify
from formats.envelope_header import ID_BYTES, NO_PREVIOUS
from formats.errors import Forged, Malformed, TooLarge
from formats.policy import Policy
from formats.signer import Ed25519Signer

PICTURE_LIMIT: Final = 64 * 1024 - 44 - ID_BYTES
"""Longest JPEG: the one bucket, less what envelope and payload put before it."""
_JPEG: Final = b"\xff\xd8\xff"


def seal_portrait(
    jpeg: bytes, handle: bytes, *, sealer: Ed25519Signer, reviewers: Sequence[PublicKey]
) -> Sealed:
    """Seal the picture of the entry `handle`; only the reviewers can open it.

    Args:
        jpeg: the picture.
        handle: (16,) of the entry.
        sealer: the authority's key for sealing lists.
        reviewers: the keys of all reviewers who may see it.

    Raises:
        TooLarge: the picture is longer than `PICTURE_LIMIT`.
        Malformed: it is no JPEG, or the handle has another length.
    """
    if len(jpeg) > PICTURE_LIMIT:
        raise TooLarge(f"The picture has {len(jpeg)} bytes; at most {PICTURE_LIMIT} are allowed.")
    if not jpeg.startswith(_JPEG) or len(handle) != ID_BYTES:
        raise Malformed("The picture is no JPEG, or the handle does not have 16 bytes.")
    origin = Origin(handle, 1, 0, TimeQuality.UNSYNCHRONISED, NO_PREVIOUS)
    payload = handle + jpeg
    return seal(Kind.PORTRAIT, payload, sender=sealer, recipients=reviewers, origin=origin)


def open_portrait(blob: bytes, handle: bytes, policy: Policy, key: PrivateKey) -> bytes:
    """Return the JPEG in `blob`, if a supplier of the policy sealed it for this entry.

    Raises:
        Forged: no supplier sealed it, or it is the picture of another entry.
        NotForThisKey, Malformed: see `formats.envelope`.
    """
    sealed = read(Kind.PORTRAIT, blob)
    sealers = {supplier.sealer_id: supplier.seal_key for supplier in policy.suppliers}
    if sealed.header.sender not in sealers:
        raise Forged("The portrait was sealed by no supplier of the policy.")
    payload = open_sealed(verify(sealed, sealers[sealed.header.sender]), key)
    if payload[:ID_BYTES] != handle:
        raise Forged("The portrait is of another entry.")
    if not payload[ID_BYTES:].startswith(_JPEG):
        raise Malformed("The portrait is no JPEG.")
    return payload[ID_BYTES:]
