"""A second reader of envelopes, written from the byte table and on other foundations.

It uses `cryptography` and `hashlib`, never PyNaCl and never `formats.envelope`, so that one mistake
or one library cannot be right about the format by being wrong twice. It is slow and for tests only.
"""

from dataclasses import dataclass
from hashlib import blake2b
from struct import pack, unpack

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.poly1305 import Poly1305

KINDS = {
    "EVENT": (b"TALLYEV1", b"tallylight-event-v1\0", {32768}, 2),
    "PORTRAIT": (b"TALLYPT1", b"tallylight-portrait-v1\0", {64 * 1024}, 2),
    "RECEIPT": (b"TALLYRC1", b"tallylight-receipt-v1\0", {1024}, 1),
    "LIST": (b"TALLYWL1", b"tallylight-list-v1\0", {65536 * 2**n for n in range(9)}, 1),
}


class Refused(Exception):
    """The envelope, or a part of it, is not accepted; the message is the part's name."""


@dataclass
class _Cursor:
    """Takes bytes off the front."""

    rest: bytes

    def take(self, count: int) -> bytes:
        if len(self.rest) < count:
            raise Refused("length")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")


def decode(kind: str, blob: bytes, sender: bytes, secret: bytes) -> bytes:
    """Open the envelope with the X25519 key `secret`, if the Ed25519 key `sender` signed it."""
    magic, domain, buckets, least = KINDS[kind]
    cursor = _Cursor(blob)
    _require(cursor.take(8) == magic, "magic")
    _require(cursor.number(1) == 1, "suite")
    author, boot = cursor.take(16), cursor.take(16)
    sequence = cursor.number(8)
    _require(1 <= sequence < 2**63, "sequence")
    cursor.take(4)  # Any key epoch.
    _require(cursor.number(1) <= 2, "time quality")
    cursor.take(32)  # Any previous digest.
    count = cursor.number(1)
    _require(least <= count <= 64, "slot count")
    nonce = cursor.take(24)
    slots = [cursor.take(120) for _ in range(count)]
    ids = [slot[:8] for slot in slots]
    _require(ids == sorted(set(ids)), "slot order")
    length = cursor.number(4)
    _require(length - 16 in buckets and len(cursor.rest) == length + 64, "length")
    body, signature = cursor.take(length), cursor.rest

    _require(author == blake2b(sender, digest_size=16).digest(), "sender")
    _check_signature(sender, signature, domain + blake2b(blob[:-64]).digest())

    key = X25519PrivateKey.from_private_bytes(secret)
    own_id = blake2b(key.public_key().public_bytes_raw(), digest_size=8).digest()
    _require(own_id in ids, "recipient")
    opened = _open_sealed_box(key, slots[ids.index(own_id)][8:])
    _require(opened[32:] == blake2b(blob[:111], digest_size=32).digest(), "slot binding")

    padded = _open_xchacha(opened[:32], nonce, body, blob[: 111 + 120 * count])
    inside = _Cursor(padded)
    size = inside.number(4)
    _require(inside.take(40) == author + boot + pack("<Q", sequence), "inside")
    payload = inside.take(size)
    _require(inside.rest == bytes(len(inside.rest)), "padding")
    return payload


def _require(condition: bool, part: str) -> None:  # noqa: FBT001 - reads as a sentence.
    if not condition:
        raise Refused(part)


def _check_signature(sender: bytes, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(sender).verify(signature, message)
    except InvalidSignature as error:
        raise Refused("signature") from error


def _open_xchacha(key: bytes, nonce: bytes, body: bytes, bound: bytes) -> bytes:
    """XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): HChaCha20, then RFC 8439."""
    subkey = _hchacha20(key, nonce[:16])
    try:
        return ChaCha20Poly1305(subkey).decrypt(bytes(4) + nonce[16:], body, bound)
    except InvalidTag as error:
        raise Refused("body") from error


def _hchacha20(key: bytes, nonce: bytes) -> bytes:
    """Compute a ChaCha20 block without the final addition, words 0-3 and 12-15."""
    block = Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(64))
    start = unpack("<16I", b"expand 32-byte k" + key + nonce)
    words = [(end - begin) % 2**32 for end, begin in zip(unpack("<16I", block), start, strict=True)]
    return pack("<8I", *words[:4], *words[12:])


def _open_sealed_box(key: X25519PrivateKey, box: bytes) -> bytes:
    """NaCl's `crypto_box_seal`: X25519, HSalsa20, XSalsa20-Poly1305."""
    ephemeral, tag, hidden = box[:32], box[32:48], box[48:]
    public = key.public_key().public_bytes_raw()
    nonce = blake2b(ephemeral + public, digest_size=24).digest()
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    except ValueError as error:  # The shared secret is zero: a point of low order.
        raise Refused("slot") from error
    subkey = _hsalsa20(_hsalsa20(shared, bytes(16)), nonce[:16])
    stream = b"".join(_salsa20_block(subkey, nonce[16:], number) for number in range(2))
    try:
        Poly1305.verify_tag(stream[:32], hidden, tag)
    except InvalidSignature as error:
        raise Refused("slot") from error
    return bytes(a ^ b for a, b in zip(hidden, stream[32:], strict=False))


def _hsalsa20(key: bytes, nonce: bytes) -> bytes:
    words = _salsa20_rounds(_salsa20_start(key, nonce))
    return pack("<8I", *(words[at] for at in (0, 5, 10, 15, 6, 7, 8, 9)))


def _salsa20_block(key: bytes, nonce: bytes, number: int) -> bytes:
    start = _salsa20_start(key, nonce + pack("<Q", number))
    words = _salsa20_rounds(start)
    return pack("<16I", *((a + b) % 2**32 for a, b in zip(words, start, strict=True)))


def _salsa20_start(key: bytes, middle: bytes) -> list[int]:
    sigma, left, right = (b"expand 32-byte k", key[:16], key[16:])
    return [
        *unpack("<5I", sigma[:4] + left),
        *unpack("<5I", sigma[4:8] + middle),
        *unpack("<5I", sigma[8:12] + right),
        *unpack("<I", sigma[12:]),
    ]


def _salsa20_rounds(start: list[int]) -> list[int]:
    """Do 20 rounds: columns, then rows, ten times."""
    columns = [(0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)]
    rows = [(0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)]
    words = list(start)
    for a, b, c, d in 10 * (columns + rows):
        words[b] ^= _rotate(words[a] + words[d], 7)
        words[c] ^= _rotate(words[b] + words[a], 9)
        words[d] ^= _rotate(words[c] + words[b], 13)
        words[a] ^= _rotate(words[d] + words[c], 18)
    return words


def _rotate(word: int, bits: int) -> int:
    word %= 2**32
    return (word << bits | word >> 32 - bits) % 2**32
