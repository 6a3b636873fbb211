"""A second writer of envelopes: it can also write the wrong ones.

Every key, nonce and length is a field of `Recipe`, so a vector is the same whenever it is made and
a broken one is the good recipe with one field replaced. It shares nothing with `formats.envelope`
but libsodium's primitives.
"""

import json
import struct
from dataclasses import dataclass, replace
from hashlib import blake2b

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt
from nacl.public import Box, PrivateKey
from nacl.signing import SigningKey

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def secret(name: str) -> bytes:
    """Return 32 bytes for tests, the same for the same name. No real key may be made like this."""
    return blake2b(name.encode(), digest_size=32, person=b"tallylight test").digest()


CAMERA = SigningKey(secret("camera"))
STRANGER = SigningKey(secret("stranger"))
ESTATE = SigningKey(secret("estate"))
SUPPLIER = SigningKey(secret("supplier"))
ALICE = PrivateKey(secret("alice"))
BOB = PrivateKey(secret("bob"))
EVE = PrivateKey(secret("eve"))
COURIER = PrivateKey(secret("courier"))


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def name_of(key: SigningKey) -> bytes:
    return blake2b(bytes(key.verify_key), digest_size=16).digest()


def key_id_of(key: PrivateKey) -> bytes:
    return blake2b(bytes(key.public_key), digest_size=8).digest()


@dataclass(frozen=True)
class Slot:
    """One recipient's slot, and what to do wrong with it."""

    key: PrivateKey
    bound_to: bytes | None = None
    ephemeral: bytes | None = None

    def encode(self, content_key: bytes, header: bytes) -> bytes:
        public = bytes(self.key.public_key)
        maker = PrivateKey(secret(f"ephemeral {public.hex()}"))
        made = bytes(maker.public_key)
        nonce = blake2b(made + public, digest_size=24).digest()
        bound_to = self.bound_to or blake2b(header, digest_size=32).digest()
        boxed = Box(maker, self.key.public_key).encrypt(content_key + bound_to, nonce).ciphertext
        return key_id_of(self.key) + (self.ephemeral or made) + boxed


@dataclass(frozen=True)
class Recipe:
    """Everything that goes into one envelope."""

    magic: bytes
    domain: bytes
    bucket: int
    payload: bytes
    sender: SigningKey
    slots: tuple[Slot, ...]
    suite: int = 1
    named: bytes | None = None
    boot_id: bytes = secret("boot")[:16]
    sequence: int = 7
    key_epoch: int = 3
    time_quality: int = 1
    previous: bytes = secret("previous")
    slot_count: int | None = None
    nonce: bytes = secret("nonce")[:24]
    content_key: bytes = secret("content key")
    body_key: bytes | None = None
    bound: bytes | None = None
    inside: bytes | None = None
    inside_length: int | None = None
    padding: bytes = b"\0"
    body_length: int | None = None
    keep_order: bool = False

    def but(self, **fields: object) -> "Recipe":
        return replace(self, **fields)  # type: ignore[arg-type]  # Any field of any type.

    def header(self) -> bytes:
        count = len(self.slots) if self.slot_count is None else self.slot_count
        return b"".join(
            (
                self.magic,
                struct.pack("<B", self.suite),
                self.named or name_of(self.sender),
                self.boot_id,
                struct.pack("<QIB", self.sequence, self.key_epoch, self.time_quality),
                self.previous,
                struct.pack("<B", count),
                self.nonce,
            )
        )

    def front(self) -> bytes:
        slots = [slot.encode(self.content_key, self.header()) for slot in self.slots]
        return self.header() + b"".join(slots if self.keep_order else sorted(slots))

    def padded(self) -> bytes:
        length = len(self.payload) if self.inside_length is None else self.inside_length
        repeated = name_of(self.sender) + self.boot_id + struct.pack("<Q", self.sequence)
        inside = struct.pack("<I", length) + (self.inside or repeated) + self.payload
        return inside + (self.bucket - len(inside)) * self.padding

    def unsigned(self) -> bytes:
        body = crypto_aead_xchacha20poly1305_ietf_encrypt(
            self.padded(), self.bound or self.front(), self.nonce, self.body_key or self.content_key
        )
        length = len(body) if self.body_length is None else self.body_length
        return self.front() + struct.pack("<I", length) + body

    def encode(self) -> bytes:
        return sign(self.sender, self.domain, self.unsigned())


def sign(key: SigningKey, domain: bytes, unsigned: bytes) -> bytes:
    return unsigned + key.sign(domain + blake2b(unsigned).digest()).signature


def with_order_added(blob: bytes) -> bytes:
    """Return the same envelope with the group order added to its signature's S (malleability)."""
    s = int.from_bytes(blob[-32:], "little") + GROUP_ORDER
    return blob[:-32] + s.to_bytes(32, "little")
