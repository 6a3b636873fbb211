"""The messages of a registration: hello, request, look, acceptance; transcript and blink code.

A camera is registered over one cable. The laptop commits to a nonce in the hello before the camera
chooses its own, and opens it only when a person looks at the camera. Both compute the transcript of
all that was said, and the camera blinks a code made of it. A device in the middle has one chance in
2^20 for each hello to the camera that both codes are alike, because it cannot choose its nonce
after it has seen the other side's. The camera takes few hellos, and the laptop opens few nonces.

The hello and the acceptance are signed by the installer; the request by each key that it names. The
camera does not know whose installer it is: the desk does (docs/decisions/0028-registration.md).
Byte tables: docs/formats/registration.md.
"""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from nacl.public import PublicKey
from nacl.signing import VerifyKey

from formats.board import DIGEST_BYTES
from formats.errors import Forged, Malformed
from formats.public_keys import recipient_key, signing_key
from formats.registration_request import NONCE_BYTES
from formats.signed_members import SIGNED_LIMIT, read_signed, sign_members
from formats.signer import Ed25519Signer
from formats.site_network import SiteNetwork, read_site_network
from formats.strict_json import Fields, JsonValue, dumps, parse

GROUPS: Final = 5
"""Groups of blinks: 5 groups of 4 bits are 20 bits."""
BLINKS: Final = 16
"""Most blinks of a group; the fewest are 1."""

_HELLO: Final = "registration-hello"
_LOOK: Final = "registration-look"
_SHOWN: Final = "registration-shown"
_ACCEPTANCE: Final = "registration-acceptance"
_SITE_LIMIT: Final = 32
_PLACE_LIMIT: Final = 128
_PEM_LIMIT: Final = 4096
_HOST_LIMIT: Final = 253


@dataclass(frozen=True, slots=True)
class Hello:
    """The laptop's first message."""

    site: str
    installer: VerifyKey
    ephemeral: PublicKey
    """X25519, for this registration alone: the camera proves with it that it holds its keys."""
    commitment: bytes
    """(32,) of the laptop's nonce."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The laptop's answer to a code that a person saw: what makes the camera one of the site's."""

    transcript: bytes
    site: str
    root_digest: bytes
    """(32,) SHA-256 of the site's first root, which the image must hold."""
    installer: VerifyKey
    place: str
    certificate: bytes
    """PEM, for the courier's TLS key."""
    authority: bytes
    """PEM, of the authority that signed the broker's certificate."""
    broker_host: str
    broker_port: int
    network: SiteNetwork
    training: bool
    """Whether this is no real camera: its board's key may be kept anyhow."""
    accepted_utc_s: int


def commit(nonce: bytes) -> bytes:
    """Return the (32,) commitment to a nonce."""
    return sha256(b"tallylight-registration-nonce-v1\0" + nonce).digest()


def write_hello(hello: Hello, key: Ed25519Signer) -> bytes:
    """Return the hello, signed by the installer."""
    return sign_members(_HELLO, _hello_members(hello), key)


def read_hello(data: bytes) -> Hello:
    """Return the hello in `data`, signed by the installer that it names.

    Raises:
        FormatError: it is none, or the signature does not hold.
    """
    return read_signed(_HELLO, data, _read_hello, members=_hello_members, key=_installer)


def write_look(nonce: bytes) -> bytes:
    """Return the message that opens the laptop's nonce: a person looks at the camera now."""
    return dumps({"kind": _LOOK, "nonce": nonce.hex()})


def read_look(data: bytes, hello: Hello) -> bytes:
    """Return the laptop's nonce, if it is the one that the hello committed to.

    Raises:
        FormatError: it is another, or the message is none.
    """
    nonce = parse(data, _read_look, limit=SIGNED_LIMIT, what=_LOOK)
    if commit(nonce) != hello.commitment:
        raise Forged("The laptop's nonce is not the one that it committed to.")
    return nonce


def write_shown(transcript: bytes) -> bytes:
    """Return the camera's message that it has blinked the code of a transcript."""
    return dumps({"kind": _SHOWN, "transcript": transcript.hex()})


def read_shown(data: bytes, transcript: bytes) -> None:
    """Verify that the camera blinked the code of this transcript.

    Raises:
        FormatError: it blinked another one's, or the message is none.
    """
    if parse(data, _read_shown, limit=SIGNED_LIMIT, what=_SHOWN) != transcript:
        raise Forged("The camera has blinked another registration's code.")


def transcript_of(hello: bytes, request: bytes, nonce: bytes) -> bytes:
    """Return the (32,) digest of what both sides said before the code."""
    parts = sha256(hello).digest() + sha256(request).digest() + nonce
    return sha256(b"tallylight-registration-transcript-v1\0" + parts).digest()


def code_of(transcript: bytes) -> tuple[int, ...]:
    """Return how often the lamp blinks in each of 5 groups, 1 to 16 times."""
    first = sha256(b"tallylight-registration-code-v1\0" + transcript).digest()
    bits = int.from_bytes(first[:3], "big") >> 4
    return tuple((bits >> shift) % BLINKS + 1 for shift in range(16, -1, -4))


def write_acceptance(acceptance: Acceptance, key: Ed25519Signer) -> bytes:
    """Return the acceptance, signed by the installer."""
    return sign_members(_ACCEPTANCE, _acceptance_members(acceptance), key)


def read_acceptance(data: bytes, hello: Hello, transcript: bytes) -> Acceptance:
    """Return the acceptance in `data`, of this transcript, signed by the hello's installer.

    Raises:
        FormatError: it is none, of another registration or installer, or not signed.
    """
    found = read_signed(
        _ACCEPTANCE,
        data,
        _read_acceptance,
        members=_acceptance_members,
        key=_installer,
    )
    if (found.installer, found.site) != (hello.installer, hello.site):
        raise Forged("Another installer accepted the camera than the one who greeted it.")
    if found.transcript != transcript:
        raise Forged("The acceptance is of another registration.")
    return found


def _installer(signed: Hello | Acceptance) -> VerifyKey:
    return signed.installer


def _hello_members(hello: Hello) -> dict[str, JsonValue]:
    return {
        "commitment": hello.commitment.hex(),
        "ephemeral": bytes(hello.ephemeral).hex(),
        "installer": bytes(hello.installer).hex(),
        "site": hello.site,
    }


def _read_hello(fields: Fields) -> Hello:
    return Hello(
        site=fields.text("site", at_most=_SITE_LIMIT),
        installer=signing_key(fields.hex_bytes("installer", 32)),
        ephemeral=recipient_key(fields.hex_bytes("ephemeral", 32)),
        commitment=fields.hex_bytes("commitment", DIGEST_BYTES),
    )


def _read_look(fields: Fields) -> bytes:
    fields.constant("kind", _LOOK)
    return fields.hex_bytes("nonce", NONCE_BYTES)


def _read_shown(fields: Fields) -> bytes:
    fields.constant("kind", _SHOWN)
    return fields.hex_bytes("transcript", DIGEST_BYTES)


def _acceptance_members(acceptance: Acceptance) -> dict[str, JsonValue]:
    return {
        "accepted_utc_s": acceptance.accepted_utc_s,
        "authority": b64encode(acceptance.authority).decode(),
        "broker_host": acceptance.broker_host,
        "broker_port": acceptance.broker_port,
        "certificate": b64encode(acceptance.certificate).decode(),
        "installer": bytes(acceptance.installer).hex(),
        "network": acceptance.network.to_json(),
        "place": acceptance.place,
        "root_digest": acceptance.root_digest.hex(),
        "site": acceptance.site,
        "training": acceptance.training,
        "transcript": acceptance.transcript.hex(),
    }


def _read_acceptance(fields: Fields) -> Acceptance:
    acceptance = Acceptance(
        transcript=fields.hex_bytes("transcript", DIGEST_BYTES),
        site=fields.text("site", at_most=_SITE_LIMIT),
        root_digest=fields.hex_bytes("root_digest", DIGEST_BYTES),
        installer=signing_key(fields.hex_bytes("installer", 32)),
        place=fields.text("place", at_most=_PLACE_LIMIT),
        certificate=fields.base64_bytes("certificate", at_most=_PEM_LIMIT),
        authority=fields.base64_bytes("authority", at_most=_PEM_LIMIT),
        broker_host=fields.text("broker_host", at_most=_HOST_LIMIT),
        broker_port=fields.integer("broker_port", low=1, high=65535),
        network=fields.object("network", read_site_network),
        training=fields.boolean("training"),
        accepted_utc_s=fields.utc_s("accepted_utc_s"),
    )
    if not acceptance.certificate.startswith(b"-----BEGIN CERTIFICATE-----"):
        raise Malformed("The acceptance holds no certificate in PEM.")
    return acceptance
