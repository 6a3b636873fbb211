"""The fingerprint of a public key as twelve words (BIP 39), for people who compare keys.

The words come from the list that Bitcoin wallets made common. No two of its 2,048 words begin with
the same four letters. Twelve words hold 128 bits and a checksum of 4 bits.
"""

from hashlib import blake2b
from typing import Final

from mnemonic import Mnemonic

FINGERPRINT_BYTES: Final = 16
"""128 bits: too many for an attacker to find a second key with the same words."""

_PURPOSE: Final = b"tallylight-words"


def fingerprint_words(public: bytes) -> str:
    """Return the twelve words of a public key of 32 bytes, or of several keys in a row."""
    digest = blake2b(public, digest_size=FINGERPRINT_BYTES, person=_PURPOSE).digest()
    return Mnemonic("english").to_mnemonic(digest)


def fingerprint_text(public: bytes) -> str:
    """Return the same words in two lines of six, as the minutes of a ceremony print them."""
    words = fingerprint_words(public).split()
    return f"{' '.join(words[:6])}\n{' '.join(words[6:])}"
