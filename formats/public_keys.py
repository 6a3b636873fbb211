"""Public keys of others, X25519 and Ed25519: aliases and low-order points are refused.

One private key must have one public key. Otherwise one person is named twice as two reviewers, or
one organisation as two suppliers. A key is accepted only if

(0) it has 32 bytes;
(1) it is the canonical encoding of its point: no unused bit is set, no coordinate is p or more;
(2) its point is in the subgroup of prime order that key generation yields.

Rule (2) refuses points of low order, which give no secrecy. It refuses also the sum of a key and
such a point, which the same private key opens. Every program reads a foreign public key here and
nowhere else; a test searches the code for other ways. Not checked: whether two keys belong to two
people. Rules and refused keys: docs/formats/keys.md.
"""

from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.public import PublicKey
from nacl.signing import VerifyKey

from formats.errors import Malformed, UnusableKey

PUBLIC_KEY_BYTES: Final = 32
"""Length of a public key of either kind (RFC 7748, RFC 8032)."""

_P: Final = 2**255 - 19
"""The prime of Curve25519 (RFC 7748, section 4.1)."""


def signing_key(data: bytes) -> VerifyKey:
    """Return the Ed25519 public key in 32 bytes, if signatures by it prove something.

    Raises:
        Malformed: not 32 bytes.
        UnusableKey: not canonical, no point of the curve, or outside the prime-order subgroup.
    """
    if len(data) != PUBLIC_KEY_BYTES:
        raise Malformed("A public key does not have 32 bytes.")
    if not crypto_core_ed25519_is_valid_point(data):
        raise UnusableKey(
            "A signing key is of low order, or in a form that key generation does not yield: "
            "get it again from its owner."
        )
    return VerifyKey(data)


def recipient_key(data: bytes) -> PublicKey:
    """Return the X25519 public key in 32 bytes, if it is fit to be sealed to.

    Raises:
        Malformed: not 32 bytes.
        UnusableKey: not canonical, no point of the curve, or outside the prime-order subgroup.
    """
    if len(data) != PUBLIC_KEY_BYTES:
        raise Malformed("A public key does not have 32 bytes.")
    u = int.from_bytes(data, "little")
    # u = p - 1 has no Edwards point; it is of low order.
    if u >= _P - 1 or not crypto_core_ed25519_is_valid_point(_edwards(u)):
        raise UnusableKey(
            "A recipient's key is of low order, or in a form that key generation does not yield: "
            "get it again from its owner."
        )
    return PublicKey(data)


def _edwards(u: int) -> bytes:
    """Return the (32,) Ed25519 encoding of the point with Montgomery coordinate `u`.

    RFC 7748, section 4.1: y = (u - 1) / (u + 1). The sign of x does not matter to the check.
    """
    return ((u - 1) * pow(u + 1, -1, _P) % _P).to_bytes(PUBLIC_KEY_BYTES, "little")
