"""The envelope's kinds, with their padded sizes (buckets), and its header, which is in the clear.

The header names kind, sender, boot, sequence, key epoch and number of slots.
A `Header` is within its bounds, and one `Kind` cannot be taken for another. Reading a header proves
nothing: `formats.envelope` verifies it.
"""

import struct
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

from formats.errors import Malformed
from formats.strict_json import INT_LIMIT

ID_BYTES: Final = 16
"""Length of sender and boot ids."""
DIGEST_BYTES: Final = 32
"""Length of BLAKE2b-256 digests."""
NO_PREVIOUS: Final = bytes(DIGEST_BYTES)
"""Stands for the previous envelope in a sender's very first."""

_LAYOUT: Final = struct.Struct("<8sB16s16sQIB32sB24s")
HEADER_BYTES: Final = _LAYOUT.size
"""111."""

_SUITE: Final = 1  # X25519 and XSalsa20-Poly1305 slots, XChaCha20-Poly1305, BLAKE2b, Ed25519.
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class _Shape:
    """What tells one kind of envelope from another."""

    magic: bytes
    domain: bytes
    buckets: tuple[int, ...]
    slots: range


class Kind(Enum):
    """What an envelope carries: its magic, signature domain, padded sizes and numbers of slots."""

    EVENT = _Shape(b"TALLYEV1", b"tallylight-event-v1\0", (32 * _KIB,), range(2, 65))
    RECEIPT = _Shape(b"TALLYRC1", b"tallylight-receipt-v1\0", (_KIB,), range(1, 65))
    LIST = _Shape(
        b"TALLYWL1",
        b"tallylight-list-v1\0",
        tuple(64 * _KIB << doublings for doublings in range(9)),  # 64 KiB to 16 MiB.
        range(1, 65),
    )
    PORTRAIT = _Shape(b"TALLYPT1", b"tallylight-portrait-v1\0", (64 * _KIB,), range(2, 65))


class TimeQuality(IntEnum):
    """How far a sender's clock can be believed."""

    UNSYNCHRONISED = 0
    """No time source since boot."""
    SYNCHRONISED = 1
    """Set from a source that any machine on the network could have imitated."""
    AUTHENTICATED = 2
    """Set from a source that proved its identity."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an envelope stands among its sender's envelopes.

    Raises:
        Malformed: a field has the wrong length or is out of bounds.
    """

    boot_id: bytes
    """(16,) random, one per start of the sender."""
    sequence: int
    """From 1, never used twice by one sender in one boot."""
    key_epoch: int
    """Version of the signed document that named the recipients' keys, 0 to 2**32 - 1."""
    time_quality: TimeQuality
    """The sender's clock when it sealed."""
    previous: bytes
    """(32,) digest of the sender's previous envelope of this kind, or `NO_PREVIOUS`."""

    def __post_init__(self) -> None:
        if len(self.boot_id) != ID_BYTES or len(self.previous) != DIGEST_BYTES:
            raise Malformed("The boot id or the previous digest has the wrong length.")
        if not 1 <= self.sequence <= INT_LIMIT:
            raise Malformed("The sequence is not within 1 to 2**63 - 1.")
        if not 0 <= self.key_epoch < 2**32:
            raise Malformed("The key epoch does not fit 32 bits.")


@dataclass(frozen=True, slots=True)
class Header(Origin):
    """The part of an envelope that is readable without a key; unproven until it is verified."""

    sender: bytes
    """(16,) `sender_id` of the key that signs."""
    slot_count: int
    """Number of recipients."""
    nonce: bytes
    """(24,) for XChaCha20-Poly1305."""


def pack_header(kind: Kind, sender: bytes, origin: Origin, slot_count: int, nonce: bytes) -> bytes:
    """Return the (111,) bytes at the front of an envelope."""
    return _LAYOUT.pack(
        kind.value.magic,
        _SUITE,
        sender,
        origin.boot_id,
        origin.sequence,
        origin.key_epoch,
        origin.time_quality,
        origin.previous,
        slot_count,
        nonce,
    )


def unpack_header(kind: Kind, blob: bytes) -> Header:
    """Return the header that `blob` begins with.

    Raises:
        Malformed: too short, of another kind or suite, or a field is out of bounds.
    """
    if len(blob) < HEADER_BYTES:
        raise Malformed("The envelope ends within its header.")
    magic, suite, sender, boot_id, sequence, epoch, quality, previous, slot_count, nonce = (
        _LAYOUT.unpack_from(blob)
    )
    if magic != kind.value.magic:
        raise Malformed(f"The bytes are not an envelope of kind {kind.name}.")
    if suite != _SUITE:
        raise Malformed(f"The envelope uses suite {suite}; only suite {_SUITE} is known.")
    if quality not in set(TimeQuality):
        raise Malformed("The time quality is unknown.")
    if slot_count not in kind.value.slots:
        raise Malformed("The number of slots is not allowed for this kind.")
    return Header(
        boot_id=boot_id,
        sequence=sequence,
        key_epoch=epoch,
        time_quality=TimeQuality(quality),
        previous=previous,
        sender=sender,
        slot_count=slot_count,
        nonce=nonce,
    )
