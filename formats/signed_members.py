"""Sign the members of a JSON object with Ed25519, under a domain of the object's own kind.

The signature covers the domain `tallylight-KIND-v1` with a zero byte, and the strict JSON of all
members but the signature. So no signature of one kind counts for another. Who the signer may be is
the caller's question.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from formats.errors import Forged
from formats.signer import Ed25519Signer
from formats.strict_json import Fields, JsonValue, dumps, parse

T = TypeVar("T")
SIGNATURE_BYTES: Final = 64
SIGNED_LIMIT: Final = 64 * 1024
"""Most bytes of a signed object; a registration record has about 20 kB."""


def statement(kind: str, members: Mapping[str, JsonValue]) -> bytes:
    """Return the bytes that are signed for an object of this kind."""
    return f"tallylight-{kind}-v1\0".encode() + dumps({"kind": kind, **members})


def sign_members(kind: str, members: Mapping[str, JsonValue], key: Ed25519Signer) -> bytes:
    """Return the object with its kind and signature, in its one spelling."""
    signature = key.sign(statement(kind, members)).signature
    return dumps({"kind": kind, **members, "signature": signature.hex()})


def read_signed(
    kind: str,
    data: bytes,
    read: Callable[[Fields], T],
    *,
    members: Callable[[T], Mapping[str, JsonValue]],
    key: Callable[[T], VerifyKey],
) -> T:
    """Return what `data` says, if the key that signed it is the one that `key` returns.

    Args:
        kind: of the object.
        data: the object with its signature.
        read: reads every member but kind and signature.
        members: the members of what was read, as they were signed.
        key: whose signature it must be; it may stand in what was read.

    Raises:
        Malformed, TooLarge, UnusableKey: `data` is no such object.
        Forged: the signature does not hold.
    """

    def read_all(fields: Fields) -> tuple[T, bytes]:
        fields.constant("kind", kind)
        return read(fields), fields.hex_bytes("signature", SIGNATURE_BYTES)

    found, signature = parse(data, read_all, limit=SIGNED_LIMIT, what=kind)
    verify_statement(kind, members(found), signature, key(found))
    return found


def verify_statement(
    kind: str, members: Mapping[str, JsonValue], signature: bytes, key: VerifyKey
) -> None:
    """Verify one signature over the members of an object.

    Raises:
        Forged: it does not hold.
    """
    try:
        key.verify(statement(kind, members), signature)
    except CryptoError as error:
        raise Forged(f"The signature of a {kind} does not hold.") from error
