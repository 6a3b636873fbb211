"""The certificate of destruction: which event was destroyed, when, why, signed by the estate.

It names the envelope by its digest and holds nothing that was inside. An operator who restores an
older copy of a store must destroy again what a certificate names. Certificates are kept for good.
Tables: docs/formats/destruction.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from formats.envelope_header import DIGEST_BYTES, ID_BYTES
from formats.errors import Forged
from formats.strict_json import Fields, dumps, parse

CERTIFICATE_LIMIT: Final = 2048
_DOMAIN: Final = b"tallylight-destruction-v1\0"
_SIGNATURE_BYTES: Final = 64


class Ground(StrEnum):
    """Why an event was destroyed."""

    RETENTION = "retention"
    """Its `retain_until` has passed."""
    NOT_A_MATCH = "not_a_match"
    """Two reviewers decided that it was none, or could not tell: destroyed at once."""
    STATUS = "status"
    """It was a camera's status and not a candidate, and it was read."""
    RESTORED = "restored"
    """A restored older copy of the store had brought it back."""


@dataclass(frozen=True, slots=True)
class Destruction:
    """One destroyed event: no key opens it any more."""

    event: bytes
    """(32,) digest of the sealed event."""
    camera: bytes
    """(16,) `sender_id` of its camera."""
    ground: Ground
    destroyed_utc_ms: int
    """By the estate's clock."""


def sign_destruction(destruction: Destruction, key: SigningKey) -> bytes:
    """Return the signed certificate, as one canonical JSON object.

    Raises:
        Malformed: it could not be read back.
    """
    signature = key.sign(_statement(destruction)).signature
    signed = dumps({**_members(destruction), "signature": signature.hex()})
    parse(signed, _read, limit=CERTIFICATE_LIMIT, what="certificate")
    return signed


def read_destruction(data: bytes, key: VerifyKey) -> Destruction:
    """Return the destruction that `key` has certified.

    Raises:
        Malformed, TooLarge: `data` is not a certificate.
        Forged: the signature does not hold.
    """
    destruction, signature = parse(data, _read, limit=CERTIFICATE_LIMIT, what="certificate")
    try:
        key.verify(_statement(destruction), signature)
    except CryptoError as error:
        raise Forged("The certificate's signature does not hold.") from error
    return destruction


def _members(destruction: Destruction) -> dict[str, int | str]:
    return {
        "kind": "destruction",
        "event": destruction.event.hex(),
        "camera": destruction.camera.hex(),
        "ground": str(destruction.ground),
        "destroyed_utc_ms": destruction.destroyed_utc_ms,
    }


def _statement(destruction: Destruction) -> bytes:
    return _DOMAIN + dumps(_members(destruction))


def _read(fields: Fields) -> tuple[Destruction, bytes]:
    fields.constant("kind", "destruction")
    destruction = Destruction(
        event=fields.hex_bytes("event", DIGEST_BYTES),
        camera=fields.hex_bytes("camera", ID_BYTES),
        ground=fields.choice("ground", Ground),
        destroyed_utc_ms=fields.integer("destroyed_utc_ms"),
    )
    return destruction, fields.hex_bytes("signature", _SIGNATURE_BYTES)
