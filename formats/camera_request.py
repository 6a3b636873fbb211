"""The registration request of a camera: its public keys and a certificate request, self-signed.

Every key was made on the camera; the request holds the public halves, so nothing here is secret.
The camera signs it with the key that signs its events, so no other camera can claim that key. The
certificate request inside is signed by the TLS key, as X.509 demands. The request does not prove
which camera sent it: the installer knows which cable it came over.
Byte tables: docs/formats/camera-request.md.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nacl.exceptions import CryptoError
from nacl.public import PublicKey
from nacl.signing import SigningKey, VerifyKey

from formats.envelope import sender_id
from formats.errors import Forged
from formats.ledger import Program
from formats.public_keys import recipient_key, signing_key
from formats.strict_json import Fields, JsonValue, dumps, parse

REQUEST_LIMIT: Final = 16 * 1024
"""Most bytes of a request: six keys and a certificate request need about 1 KiB."""

_CSR_LIMIT: Final = 4 * 1024
_DOMAIN: Final = b"tallylight-enrolment-v1\0"


@dataclass(frozen=True, slots=True)
class CameraIdentity:
    """The public half of a camera: one key for each purpose."""

    sign_key: VerifyKey
    """Ed25519: signs events, and the ledger of `watch`."""
    list_key: PublicKey
    """X25519: opens list bodies."""
    receipt_key: PublicKey
    """X25519: the courier opens receipts with it, and nothing else."""
    lampguard_key: VerifyKey
    """Ed25519: signs the ledger of `lampguard`, and nothing else."""
    courier_key: VerifyKey
    """Ed25519: signs the ledger of `courier`, and nothing else."""

    @property
    def camera_id(self) -> bytes:
        """(16,) BLAKE2b-128 of `sign_key`: the sender id of every envelope of this camera."""
        return sender_id(self.sign_key)

    @property
    def ledger_keys(self) -> Mapping[Program, VerifyKey]:
        """Which key signs which of the camera's ledgers."""
        return {
            Program.WATCH: self.sign_key,
            Program.LAMPGUARD: self.lampguard_key,
            Program.COURIER: self.courier_key,
        }

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """(32,) each: all five keys. No two are the same: each has one purpose."""
        signing = (self.sign_key, self.lampguard_key, self.courier_key)
        return (*map(bytes, signing), bytes(self.list_key), bytes(self.receipt_key))

    def to_json(self) -> dict[str, JsonValue]:
        """Return the five fields that `read_identity` reads."""
        return {
            "courier_key": bytes(self.courier_key).hex(),
            "lampguard_key": bytes(self.lampguard_key).hex(),
            "list_key": bytes(self.list_key).hex(),
            "receipt_key": bytes(self.receipt_key).hex(),
            "sign_key": bytes(self.sign_key).hex(),
        }


@dataclass(frozen=True, slots=True)
class Request:
    """A camera's request to be registered."""

    identity: CameraIdentity
    csr: bytes
    """PKCS#10 certificate request for the courier's TLS key, DER."""


def read_identity(fields: Fields) -> CameraIdentity:
    """Read the identity in five fields of a larger object.

    Raises:
        Malformed: a key is missing or is not 32 bytes.
        UnusableKey: a key is refused by `formats.public_keys`.
    """
    return CameraIdentity(
        sign_key=signing_key(fields.hex_bytes("sign_key", 32)),
        list_key=recipient_key(fields.hex_bytes("list_key", 32)),
        receipt_key=recipient_key(fields.hex_bytes("receipt_key", 32)),
        lampguard_key=signing_key(fields.hex_bytes("lampguard_key", 32)),
        courier_key=signing_key(fields.hex_bytes("courier_key", 32)),
    )


def write_request(sign_key: SigningKey, identity: CameraIdentity, csr: bytes) -> bytes:
    """Return the request of this camera, signed with the `sign_key` that it names."""
    body = _body(Request(identity, csr))
    signature = sign_key.sign(_DOMAIN + dumps(body)).signature
    return dumps({"request": body, "signature": signature.hex()})


def read_request(data: bytes) -> Request:
    """Return the request in `data`, signed by the key it names.

    Raises:
        TooLarge: longer than `REQUEST_LIMIT`.
        Malformed: not a request in its one spelling.
        UnusableKey: a key is refused by `formats.public_keys`.
        Forged: the signature does not hold.
    """
    request, signature = parse(data, _read_signed, limit=REQUEST_LIMIT, what="camera request")
    try:
        request.identity.sign_key.verify(_DOMAIN + dumps(_body(request)), signature)
    except CryptoError as error:
        raise Forged("The camera request is not signed by the key it names.") from error
    return request


def _body(request: Request) -> dict[str, JsonValue]:
    # DER and not PEM, because texts in these formats have no line breaks.
    return {"csr": b64encode(request.csr).decode(), **request.identity.to_json()}


def _read_signed(fields: Fields) -> tuple[Request, bytes]:
    return fields.object("request", _read_body), fields.hex_bytes("signature", 64)


def _read_body(fields: Fields) -> Request:
    return Request(read_identity(fields), fields.base64_bytes("csr", at_most=_CSR_LIMIT))
