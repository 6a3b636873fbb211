"""The messages of the service cable: a registered camera calls a laptop, which asks for a report.

The camera calls over UDP on its USB link, and names itself. A laptop that wants this camera answers
with one word, and the camera opens a TCP connection to it. There it says hello with a fresh nonce;
the laptop sends one request, signed by the installer of the camera's registration, and the camera
answers: with the doctor's report, or that its lamp blinks. Frames and refusals are those of
`formats.registration_cable`. Nothing here is evidence, and nothing lights the lamp for a look.
Byte tables: docs/formats/service-cable.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nacl.signing import VerifyKey

from formats.envelope_header import ID_BYTES
from formats.errors import Forged
from formats.public_keys import signing_key
from formats.registration_cable import FRAME_LIMIT
from formats.registration_request import NONCE_BYTES
from formats.signed_members import read_signed, sign_members
from formats.signer import Ed25519Signer
from formats.strict_json import Fields, JsonValue, dumps, parse

PORT: Final = 7701
"""Of the laptop. TCP: the conversation. UDP: where cameras call."""
LINK: Final = "usb0"
"""The camera's USB socket, as a network link; the only link on which it calls."""
CALL_LIMIT: Final = 256
HERE: Final = b'{"kind":"service-here"}'
"""The laptop's answer to a call."""
LOCATED: Final = b'{"kind":"service-located"}'
"""The camera's answer: its lamp blinks, as soon as the light of a look has ended."""
_CALL: Final = "service-call"
_HELLO: Final = "service-hello"
_REQUEST: Final = "service-request"


class Act(StrEnum):
    """What a laptop may ask for."""

    REPORT = "report"
    """What `tallylight-camera doctor --json` prints."""
    LOCATE = "locate"
    """Blink, so that a person sees which camera this is."""


@dataclass(frozen=True, slots=True)
class ServiceHello:
    """The camera's first message."""

    camera: bytes
    """(16,) `sender_id`."""
    nonce: bytes
    """(32,) of this connection alone."""


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """What the laptop asks for, signed by the installer."""

    act: Act
    camera: bytes
    """(16,) `sender_id`."""
    installer: VerifyKey
    nonce: bytes
    """(32,) the camera's."""


def write_call(camera: bytes) -> bytes:
    """Return a camera's call."""
    return dumps({"camera": camera.hex(), "kind": _CALL})


def read_call(data: bytes) -> bytes:
    """Return the (16,) id of the camera that calls.

    Raises:
        Malformed, TooLarge: `data` is no call.
    """
    return parse(data, _read_call, limit=CALL_LIMIT, what=_CALL)


def write_service_hello(hello: ServiceHello) -> bytes:
    """Return the camera's first message."""
    return dumps({"camera": hello.camera.hex(), "kind": _HELLO, "nonce": hello.nonce.hex()})


def read_service_hello(data: bytes) -> ServiceHello:
    """Return the camera's first message.

    Raises:
        Malformed, TooLarge: `data` is none.
    """
    return parse(data, _read_hello, limit=FRAME_LIMIT, what=_HELLO)


def write_service_request(act: Act, hello: ServiceHello, key: Ed25519Signer) -> bytes:
    """Return the request to the camera that said hello, signed by the installer."""
    request = ServiceRequest(act, hello.camera, key.verify_key, hello.nonce)
    return sign_members(_REQUEST, _request_members(request), key)


def read_service_request(data: bytes, hello: ServiceHello, installer: VerifyKey) -> Act:
    """Return what a laptop asks for, if it is this installer's answer to this hello.

    Raises:
        Malformed, TooLarge, UnusableKey: `data` is no request.
        Forged: it is of another installer, for another camera, or of another connection.
    """
    found = read_signed(
        _REQUEST, data, _read_request, members=_request_members, key=lambda _: installer
    )
    if (found.camera, found.nonce) != (hello.camera, hello.nonce):
        raise Forged("The request is for another camera, or of another connection.")
    return found.act


def _request_members(request: ServiceRequest) -> dict[str, JsonValue]:
    return {
        "act": str(request.act),
        "camera": request.camera.hex(),
        "installer": bytes(request.installer).hex(),
        "nonce": request.nonce.hex(),
    }


def _read_request(fields: Fields) -> ServiceRequest:
    return ServiceRequest(
        act=fields.choice("act", Act),
        camera=fields.hex_bytes("camera", ID_BYTES),
        installer=signing_key(fields.hex_bytes("installer", 32)),
        nonce=fields.hex_bytes("nonce", NONCE_BYTES),
    )


def _read_call(fields: Fields) -> bytes:
    fields.constant("kind", _CALL)
    return fields.hex_bytes("camera", ID_BYTES)


def _read_hello(fields: Fields) -> ServiceHello:
    fields.constant("kind", _HELLO)
    return ServiceHello(
        camera=fields.hex_bytes("camera", ID_BYTES),
        nonce=fields.hex_bytes("nonce", NONCE_BYTES),
    )
