"""The destruction record of a list: a camera's signed statement that it destroyed the list's body.

It is signed with the key that signs the camera's events. It names the list by the digest of its
case file and names no person, so it can be kept and shown without limit of time.
Byte tables: docs/formats/list-end.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from formats.errors import Forged
from formats.strict_json import Fields, JsonValue, dumps, parse

LIMIT: Final = 1024
"""Most bytes of a record."""

_DOMAIN: Final = b"tallylight-list-end-v1\0"
_DIGEST_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64


class End(StrEnum):
    """Why a list ended."""

    EXPIRED = "expired"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class ListEnd:
    """The body of one list was destroyed on one camera."""

    camera_id: bytes
    """(16,) sender id of the camera's signing key."""
    version: int
    list_digest: bytes
    """(32,) SHA-256 of the case file."""
    body_digest: bytes
    """(32,) SHA-256 of the sealed body that is gone."""
    end: End
    destroyed_utc_s: int


def sign_list_end(ended: ListEnd, key: SigningKey) -> bytes:
    """Return the record with its signature, as one canonical JSON object."""
    signature = key.sign(_DOMAIN + dumps(_members(ended))).signature
    return dumps({**_members(ended), "signature": signature.hex()})


def verify_list_end(data: bytes, key: VerifyKey) -> ListEnd:
    """Return the record in `data`, signed by `key`.

    Raises:
        Malformed, TooLarge: `data` is no such record.
        Forged: the signature does not hold.
    """
    ended, signature = parse(data, _read, limit=LIMIT, what="destruction record")
    try:
        key.verify(_DOMAIN + dumps(_members(ended)), signature)
    except CryptoError as error:
        raise Forged("The signature of the destruction record does not hold.") from error
    return ended


def _members(ended: ListEnd) -> dict[str, JsonValue]:
    return {
        "body_digest": ended.body_digest.hex(),
        "camera_id": ended.camera_id.hex(),
        "destroyed_utc_s": ended.destroyed_utc_s,
        "end": ended.end,
        "list_digest": ended.list_digest.hex(),
        "version": ended.version,
    }


def _read(fields: Fields) -> tuple[ListEnd, bytes]:
    ended = ListEnd(
        camera_id=fields.hex_bytes("camera_id", 16),
        version=fields.integer("version", low=1),
        list_digest=fields.hex_bytes("list_digest", _DIGEST_BYTES),
        body_digest=fields.hex_bytes("body_digest", _DIGEST_BYTES),
        end=fields.choice("end", End),
        destroyed_utc_s=fields.utc_s("destroyed_utc_s"),
    )
    return ended, fields.hex_bytes("signature", _SIGNATURE_BYTES)
