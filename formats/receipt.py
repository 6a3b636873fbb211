"""The receipt: the estate's signed statement that it stored an envelope, so the camera may delete.

A receipt travels in an envelope of its own, sealed to a key of the camera's courier that opens
receipts and nothing else. So everything on the broker looks alike. It names the stored bytes by
their digest. It says nothing about their content: the estate's receiver cannot open them.

On the camera the courier hands it over to `watch`, which deletes the event: the envelope, and in
front of it the content key that opens this envelope alone. So `watch` verifies the estate's
signature itself, and no receipt can be made up by the courier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nacl.public import PrivateKey, PublicKey
from nacl.signing import SigningKey, VerifyKey

from formats.envelope import (
    DIGEST_BYTES,
    ID_BYTES,
    Kind,
    Origin,
    Sealed,
    content_key,
    open_sealed,
    open_with,
    read,
    seal,
    verify,
    wire_size,
)
from formats.errors import Malformed
from formats.strict_json import Fields, dumps, parse

_PAYLOAD_LIMIT: Final = 1024 - 44  # The one bucket, less what the envelope repeats inside.
_KEY_BYTES: Final = 32
HANDED_OVER_LIMIT: Final = _KEY_BYTES + wire_size(Kind.RECEIPT, Kind.RECEIPT.value.slots[-1])
"""Bytes of a receipt that is handed over, at most: with its content key, for 64 readers."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One envelope is on the estate's disk, after an fsync."""

    camera: bytes
    """(16,) sender of the stored envelope."""
    boot_id: bytes
    """(16,) from its header."""
    sequence: int
    """From its header."""
    envelope_digest: bytes
    """(32,) `Sealed.digest` of the stored envelope."""
    stored_utc_ms: int
    """By the estate's clock, milliseconds since 1970."""


def seal_receipt(
    receipt: Receipt, *, sender: SigningKey, recipients: Sequence[PublicKey], origin: Origin
) -> Sealed:
    """Seal `receipt` in its envelope.

    Args:
        receipt: what was stored.
        sender: the estate's receipt key.
        recipients: the camera's receipt key; others only if the estate reads its own receipts.
        origin: where this receipt stands among the estate's receipts.

    Raises:
        Malformed, UnusableKey: see `formats.envelope.seal`.
    """
    payload = dumps(
        {
            "kind": "receipt",
            "camera": receipt.camera.hex(),
            "boot_id": receipt.boot_id.hex(),
            "sequence": receipt.sequence,
            "envelope_digest": receipt.envelope_digest.hex(),
            "stored_utc_ms": receipt.stored_utc_ms,
        }
    )
    _read(payload)  # A receipt that cannot be read would be asked for again without end.
    return seal(Kind.RECEIPT, payload, sender=sender, recipients=recipients, origin=origin)


def open_receipt(blob: bytes, *, estate: VerifyKey, key: PrivateKey) -> Receipt:
    """Return the receipt in `blob`; the caller compares its digest with what is in the outbox.

    Raises:
        Malformed: not a receipt envelope, or its payload is not a receipt.
        Forged: not signed by `estate`, or not sealed as it claims.
        NotForThisKey: sealed to others.
    """
    return _read(open_sealed(verify(read(Kind.RECEIPT, blob), estate), key))


def hand_over(blob: bytes, *, estate: VerifyKey, key: PrivateKey) -> bytes:
    """Return a receipt as a program without `key` reads it: `read_handed_over`.

    Raises:
        Malformed, Forged, NotForThisKey: see `open_receipt`.
    """
    return content_key(verify(read(Kind.RECEIPT, blob), estate), key) + blob


def read_handed_over(data: bytes, *, estate: VerifyKey) -> Receipt:
    """Return a receipt that was handed over: 32 bytes of content key, then the envelope.

    Raises:
        Malformed: not a content key and a receipt envelope, or its payload is not a receipt.
        Forged: not signed by `estate`, or the content key is another envelope's.
    """
    if len(data) < _KEY_BYTES:
        raise Malformed("The receipt that was handed over is cut short.")
    verified = verify(read(Kind.RECEIPT, data[_KEY_BYTES:]), estate)
    return _read(open_with(verified, data[:_KEY_BYTES]))


def _read(payload: bytes) -> Receipt:
    return parse(payload, _read_fields, limit=_PAYLOAD_LIMIT, what="receipt")


def _read_fields(fields: Fields) -> Receipt:
    fields.constant("kind", "receipt")
    return Receipt(
        camera=fields.hex_bytes("camera", ID_BYTES),
        boot_id=fields.hex_bytes("boot_id", ID_BYTES),
        sequence=fields.integer("sequence", low=1),
        envelope_digest=fields.hex_bytes("envelope_digest", DIGEST_BYTES),
        stored_utc_ms=fields.integer("stored_utc_ms"),
    )
