"""A camera's request to be registered over a cable: its board, and a proof by each key it names.

Three keys sign the request. Two X25519 keys, which cannot sign, prove themselves with the laptop's
ephemeral key (Diffie-Hellman, then a keyed hash). The camera request inside is the one that
`formats.camera_request` reads. Which camera sent it is shown by the blink code and not here.
Byte tables: docs/formats/registration.md.
"""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import blake2b, sha256
from hmac import compare_digest
from typing import Final, NamedTuple

from nacl.public import Box, PrivateKey, PublicKey

from formats.board import DIGEST_BYTES, Board, read_board
from formats.camera_request import REQUEST_LIMIT, CameraIdentity, Request, read_request
from formats.errors import Forged
from formats.signed_members import SIGNATURE_BYTES, SIGNED_LIMIT, statement, verify_statement
from formats.signer import Ed25519Signer
from formats.strict_json import Fields, JsonValue, dumps, parse

NONCE_BYTES: Final = 32
_REQUEST: Final = "registration-request"


class CameraKeys(NamedTuple):
    """The private keys of a camera, for the one moment of its registration."""

    sign: Ed25519Signer
    lampguard: Ed25519Signer
    courier: Ed25519Signer
    list: PrivateKey
    receipt: PrivateKey


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """The camera's answer: what it is, and that it holds each key that it names."""

    hello_digest: bytes
    """(32,) SHA-256 of the hello that it answers."""
    nonce: bytes
    """(32,) the camera's own."""
    board: Board
    camera_request: bytes
    """The camera request (`formats.camera_request`), whole."""
    camera: Request
    """What `read_request` found in it."""


def write_registration_request(
    request: RegistrationRequest, ephemeral: PublicKey, keys: CameraKeys
) -> bytes:
    """Return the request with a proof by each key that it names."""
    members = _request_members(request)
    signed = statement(_REQUEST, members)
    proofs: dict[str, JsonValue] = {
        "sign": keys.sign.sign(signed).signature.hex(),
        "lampguard": keys.lampguard.sign(signed).signature.hex(),
        "courier": keys.courier.sign(signed).signature.hex(),
        "list": _possession(keys.list, ephemeral, signed).hex(),
        "receipt": _possession(keys.receipt, ephemeral, signed).hex(),
    }
    return dumps({"kind": _REQUEST, **members, "proofs": proofs})


def read_registration_request(
    data: bytes, hello: bytes, ephemeral: PrivateKey | None = None
) -> RegistrationRequest:
    """Return the request in `data`, if it answers `hello` and each key that it names proves itself.

    Args:
        data: the request.
        hello: the hello that it must answer.
        ephemeral: the private half of the hello's key. Without it, as later in a record, the two
            X25519 keys' proofs cannot be verified: the installer's signature vouches for them.

    Raises:
        FormatError: it is none, answers another hello, or a proof does not hold.
    """
    request, proofs = parse(data, _read_request, limit=SIGNED_LIMIT, what=_REQUEST)
    if request.hello_digest != sha256(hello).digest():
        raise Forged("The camera answered another laptop's hello.")
    members, identity = _request_members(request), request.camera.identity
    for name, key in (
        ("sign", identity.sign_key),
        ("lampguard", identity.lampguard_key),
        ("courier", identity.courier_key),
    ):
        verify_statement(_REQUEST, members, proofs[name], key)
    if ephemeral is not None:
        _verify_possession(statement(_REQUEST, members), identity, proofs, ephemeral)
    return request


def _possession(key: PrivateKey, other: PublicKey, signed: bytes) -> bytes:
    shared = Box(key, other).shared_key()
    return blake2b(signed, key=shared, digest_size=DIGEST_BYTES).digest()


def _verify_possession(
    signed: bytes, identity: CameraIdentity, proofs: dict[str, bytes], ephemeral: PrivateKey
) -> None:
    for name, key in (("list", identity.list_key), ("receipt", identity.receipt_key)):
        if not compare_digest(proofs[name], _possession(ephemeral, key, signed)):
            raise Forged(f"The camera does not hold the {name} key that it names.")


def _request_members(request: RegistrationRequest) -> dict[str, JsonValue]:
    return {
        "camera_request": b64encode(request.camera_request).decode(),
        "hello_digest": request.hello_digest.hex(),
        "nonce": request.nonce.hex(),
        **request.board.to_json(),
    }


def _read_request(fields: Fields) -> tuple[RegistrationRequest, dict[str, bytes]]:
    fields.constant("kind", _REQUEST)
    inner = fields.base64_bytes("camera_request", at_most=REQUEST_LIMIT)
    request = RegistrationRequest(
        hello_digest=fields.hex_bytes("hello_digest", DIGEST_BYTES),
        nonce=fields.hex_bytes("nonce", NONCE_BYTES),
        board=read_board(fields),
        camera_request=inner,
        camera=read_request(inner),
    )
    return request, fields.object("proofs", _read_proofs)


def _read_proofs(fields: Fields) -> dict[str, bytes]:
    signed = ("sign", "lampguard", "courier")
    return {name: fields.hex_bytes(name, SIGNATURE_BYTES) for name in signed} | {
        name: fields.hex_bytes(name, DIGEST_BYTES) for name in ("list", "receipt")
    }
