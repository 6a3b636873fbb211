"""A key's fingerprint as words, for people who compare it over a telephone or on paper.

Twelve words of the list that Bitcoin wallets made common (BIP 39): no two of its 2,048 words begin
with the same four letters. They hold 128 bits and a checksum of 4.
"""

from hashlib import blake2b
from typing import Final

from mnemonic import Mnemonic

FINGERPRINT_BYTES: Final = 16
"""128 bits: nobody finds a second key with the same words."""

_PURPOSE: Final = b"tallylight-words"


def words_of(public: bytes) -> str:
    """The twelve words of a public key of 32 bytes."""
    digest = blake2b(public, digest_size=FINGERPRINT_BYTES, person=_PURPOSE).digest()
    return Mnemonic("english").to_mnemonic(digest)
