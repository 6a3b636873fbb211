"""The sealed envelope: encrypted to its recipients, signed by its sender, padded to fixed sizes.

Encrypt, then sign. A fresh content key encrypts the padded payload. One slot per recipient holds
that key, bound to this header. The sender's Ed25519 key signs all of it. Every kind has a fixed set
of sizes, so a length tells nothing. `seal` keeps no secret: the sender cannot reopen its envelope.

What has been established about received bytes stands in their type:

    bytes ──read──▶ Sealed ──verify──▶ Verified ──open_sealed──▶ payload

`read` checks structure alone, so a relay without keys may use it. Not checked here: whether a
sender is allowed, whether an envelope was seen before (replay), and who the recipients are. The
caller checks these. Byte tables and vectors: docs/formats/envelope.md.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from typing import Final, final

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import Aead
from nacl.signing import VerifyKey
from nacl.utils import random

from formats.envelope_header import (
    DIGEST_BYTES,
    HEADER_BYTES,
    ID_BYTES,
    NO_PREVIOUS,
    Header,
    Kind,
    Origin,
    TimeQuality,
    pack_header,
    unpack_header,
)
from formats.errors import Forged, Malformed, NotForThisKey, TooLarge, UnusableKey
from formats.signer import Ed25519Signer

__all__ = [  # The header's names are re-exported: callers import all about envelopes from here.
    "DIGEST_BYTES",
    "ID_BYTES",
    "NO_PREVIOUS",
    "Header",
    "Kind",
    "Origin",
    "Sealed",
    "TimeQuality",
    "Verified",
    "content_key",
    "key_id",
    "open_sealed",
    "open_with",
    "read",
    "seal",
    "sender_id",
    "verify",
    "wire_size",
]

_LENGTH: Final = struct.Struct("<I")
_INSIDE: Final = struct.Struct("<I16s16sQ")
_KEY_BYTES: Final = 32
_KEY_ID_BYTES: Final = 8
_SLOT_BYTES: Final = 120  # Key id, then a SealedBox (48 bytes more) around key and header digest.
_TAG_BYTES: Final = 16
_SIGNATURE_BYTES: Final = 64


@final
@dataclass(frozen=True, slots=True)
class _Made:
    """A token that shows that this module made a `Sealed` or a `Verified`."""


@final
@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope of sound structure. Made by `seal` and `read`; the sender is unproven."""

    kind: Kind
    header: Header
    blob: bytes = field(repr=False)
    """All of its bytes, as they travel and are stored."""
    _made: _Made = field(repr=False)
    digest: bytes = field(init=False, repr=False, compare=False)
    """(32,) BLAKE2b-256 of the whole envelope: its name in ledgers, receipts and `previous`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", _digest(self.blob))  # Once: it is asked for ten times.

    @property
    def key_ids(self) -> tuple[bytes, ...]:
        """(8,) each: the recipients' `key_id`s, so that an auditor can name every one of them."""
        starts = range(HEADER_BYTES, _body_at(self.header), _SLOT_BYTES)
        return tuple(self.blob[at : at + _KEY_ID_BYTES] for at in starts)


@final
@dataclass(frozen=True, slots=True)
class Verified:
    """An envelope that its named sender has signed. Made by `verify`."""

    sealed: Sealed
    _made: _Made = field(repr=False)


def sender_id(key: VerifyKey) -> bytes:
    """Return the (16,) name of a signing key: BLAKE2b-128 of its public half."""
    return blake2b(bytes(key), digest_size=ID_BYTES).digest()


def key_id(key: PublicKey) -> bytes:
    """Return the (8,) name of a recipient's key: BLAKE2b-64 of its public half."""
    return blake2b(bytes(key), digest_size=_KEY_ID_BYTES).digest()


def wire_size(kind: Kind, slots: int, bucket: int | None = None) -> int:
    """Return the bytes of an envelope with this many slots; the default bucket is the smallest."""
    padded = kind.value.buckets[0] if bucket is None else bucket
    body = _LENGTH.size + padded + _TAG_BYTES
    return HEADER_BYTES + slots * _SLOT_BYTES + body + _SIGNATURE_BYTES


def seal(
    kind: Kind,
    payload: bytes,
    *,
    sender: Ed25519Signer,
    recipients: Sequence[PublicKey],
    origin: Origin,
) -> Sealed:
    """Encrypt `payload` to `recipients` and sign it by `sender`.

    Raises:
        TooLarge: the payload fits no bucket of this kind.
        Malformed: too few or too many recipients, or one of them twice.
        UnusableKey: a recipient's key is of low order.
    """
    if len(recipients) not in kind.value.slots:
        low, high = kind.value.slots[0], kind.value.slots[-1]
        raise Malformed(f"{len(recipients)} recipients were given; {low} to {high} are allowed.")
    author = sender_id(sender.verify_key)
    content_key, nonce = random(_KEY_BYTES), random(Aead.NONCE_SIZE)
    padded = _pad(kind, author, origin, payload)
    header = pack_header(kind, author, origin, len(recipients), nonce)
    slots = _fill_slots(content_key + _digest(header), recipients)
    body = Aead(content_key).encrypt(padded, header + slots, nonce).ciphertext
    signed = header + slots + _LENGTH.pack(len(body)) + body
    return read(kind, signed + sender.sign(_statement(kind, signed)).signature)


def read(kind: Kind, blob: bytes) -> Sealed:
    """Return the envelope in `blob`, checked for structure alone.

    (0) The header is complete, of this kind and suite, and within its bounds.
    (1) The length is exactly that of this many slots around one of the kind's buckets.
    (2) The slots are in order of their key ids, no key twice.

    Raises:
        Malformed: any of these does not hold.
    """
    header = unpack_header(kind, blob)  # (0)
    sizes = {wire_size(kind, header.slot_count, bucket) for bucket in kind.value.buckets}
    if len(blob) not in sizes:  # (1)
        raise Malformed("The envelope's length is not one of its kind.")
    (body_bytes,) = _LENGTH.unpack_from(blob, _body_at(header))
    if _body_at(header) + _LENGTH.size + body_bytes + _SIGNATURE_BYTES != len(blob):
        raise Malformed("The body's length field does not agree with the envelope's length.")
    sealed = Sealed(kind, header, blob, _Made())
    if any(here >= after for here, after in pairwise(sealed.key_ids)):  # (2)
        raise Malformed("The slots are out of order, or one key has two.")
    return sealed


def verify(sealed: Sealed, sender: VerifyKey) -> Verified:
    """Verify that `sender` signed the envelope; return it as `Verified`.

    Raises:
        Forged: it names another sender, or the signature does not hold.
    """
    if sealed.header.sender != sender_id(sender):
        raise Forged("The envelope names another sender.")
    signed, signature = sealed.blob[:-_SIGNATURE_BYTES], sealed.blob[-_SIGNATURE_BYTES:]
    try:
        sender.verify(_statement(sealed.kind, signed), signature)
    except CryptoError as error:
        raise Forged("The sender's signature does not hold.") from error
    return Verified(sealed, _Made())


def open_sealed(verified: Verified, key: PrivateKey) -> bytes:
    """Decrypt the envelope; return the payload, as the sender gave it to `seal`.

    (0) One slot is for this key and opens with it.
    (1) The slot was filled for this header and no other.
    (2) Header, slots and body were bound together with the slot's content key.
    (3) Sender, boot and sequence are the same inside as outside.
    (4) The padding is zeros to the end.

    Raises:
        NotForThisKey: no slot is for this key.
        Forged: one of (0) to (3) does not hold, although the sender signed.
        Malformed: (4) does not hold.
    """
    return open_with(verified, content_key(verified, key))


def content_key(verified: Verified, key: PrivateKey) -> bytes:
    """Return the (32,) key that opens this one envelope; errors as of `open_sealed`."""
    secret = _open_slot(verified.sealed, key)  # (0)
    if secret[_KEY_BYTES:] != _digest(verified.sealed.blob[:HEADER_BYTES]):  # (1)
        raise Forged("The slot was filled for another envelope.")
    return secret[:_KEY_BYTES]


def open_with(verified: Verified, content: bytes) -> bytes:
    """Do (2) to (4) of `open_sealed`, which suffice against a wrong content key: see `_pad`."""
    sealed, body_at = verified.sealed, _body_at(verified.sealed.header)
    front, body = sealed.blob[:body_at], sealed.blob[body_at + _LENGTH.size : -_SIGNATURE_BYTES]
    try:
        padded = Aead(content).decrypt(body, front, sealed.header.nonce)  # (2)
    except CryptoError as error:
        raise Forged("The body was not encrypted with the slot's key.") from error
    return _unpad(sealed.header, padded)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


def _statement(kind: Kind, signed: bytes) -> bytes:
    return kind.value.domain + blake2b(signed).digest()


def _body_at(header: Header) -> int:
    return HEADER_BYTES + header.slot_count * _SLOT_BYTES


def _fill_slots(secret: bytes, recipients: Sequence[PublicKey]) -> bytes:
    try:
        return b"".join(sorted(key_id(key) + SealedBox(key).encrypt(secret) for key in recipients))
    except CryptoError as error:
        raise UnusableKey("A recipient's key is of low order.") from error


def _open_slot(sealed: Sealed, key: PrivateKey) -> bytes:
    """Return the (64,) content key and header digest from the slot for this key."""
    wanted = key_id(key.public_key)
    if wanted not in sealed.key_ids:
        raise NotForThisKey("No slot of the envelope is for this key.")
    at = HEADER_BYTES + sealed.key_ids.index(wanted) * _SLOT_BYTES
    try:
        return SealedBox(key).decrypt(sealed.blob[at + _KEY_ID_BYTES : at + _SLOT_BYTES])
    except CryptoError as error:
        raise Forged("The slot for this key cannot be opened with it.") from error


def _pad(kind: Kind, author: bytes, origin: Origin, payload: bytes) -> bytes:
    # Sender, boot and sequence stand inside once more: an attacker who cuts off the signature and
    # signs anew cannot change them. Known plaintext under a known key stream also pins the content
    # key, so one body cannot open to two payloads for two recipients.
    inside = _INSIDE.pack(len(payload), author, origin.boot_id, origin.sequence) + payload
    for bucket in kind.value.buckets:
        if len(inside) <= bucket:
            return inside.ljust(bucket, b"\0")
    raise TooLarge(f"A payload of {len(payload)} bytes fits no bucket of kind {kind.name}.")


def _unpad(header: Header, padded: bytes) -> bytes:
    length, *inside = _INSIDE.unpack_from(padded)
    if inside != [header.sender, header.boot_id, header.sequence]:  # (3)
        raise Forged("The envelope names another sender, boot or sequence inside than outside.")
    end = _INSIDE.size + length
    if padded.count(0, end) != len(padded) - end:  # (4)
        raise Malformed("The padding is not zeros to the end of the bucket.")
    return padded[_INSIDE.size : end]
