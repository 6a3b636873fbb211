"""Practise a registration without hardware: pretend cameras, a pretend site, nothing is kept.

A pretend camera answers the messages of a registration with keys of its own, in this process, and
draws what its lamp would blink. The laptop's side is the code of a true registration. The board
says that it keeps no key (`none`), so that no record of it can count as one of a real camera.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from formats.board import Board, BoardKey
from formats.camera_request import CameraIdentity, read_request, write_request
from formats.errors import FormatError
from formats.lamp_record import Edge, LampRecord, write_lamp_record
from formats.registration import (
    code_of,
    read_acceptance,
    read_hello,
    read_look,
    transcript_of,
    write_shown,
)
from formats.registration_cable import kind_of, write_done, write_refusal
from formats.registration_record import read_registration
from formats.registration_request import (
    NONCE_BYTES,
    CameraKeys,
    RegistrationRequest,
    write_registration_request,
)
from provisioning.broker.certificates import Authority, requested_key
from provisioning.registration.exchange import Terms
from provisioning.site.folder import Site
from provisioning.site.registrations import Manifest

SITE = "practice"
_BLINK_MS, _PAUSE_MS = 200, 1500
"""As a camera blinks (docs/lamp.md)."""


@dataclass(slots=True)
class PretendCamera:
    """A cable with a camera at its other end that exists in this process alone."""

    place: str
    serial: str
    draw: Callable[[str], None]
    """Shows what the lamp does: a line of stars for each group of blinks."""
    _sign: SigningKey = field(default_factory=SigningKey.generate)
    _keys: CameraKeys = field(init=False)
    _camera_request: bytes = field(init=False)
    _heard: dict[str, bytes] = field(default_factory=dict)
    _ended: bool = False

    def __post_init__(self) -> None:
        guard, courier = SigningKey.generate(), SigningKey.generate()
        own_list, receipt = PrivateKey.generate(), PrivateKey.generate()
        self._keys = CameraKeys(self._sign, guard, courier, own_list, receipt)
        identity = CameraIdentity(
            sign_key=self._sign.verify_key,
            list_key=own_list.public_key,
            receipt_key=receipt.public_key,
            lampguard_key=guard.verify_key,
            courier_key=courier.verify_key,
        )
        csr = _certificate_request(identity.camera_id.hex())
        self._camera_request = write_request(self._sign, identity, csr)

    def who(self) -> frozenset[str]:
        """Return the serial number, until the camera is registered."""
        return frozenset() if self._ended else frozenset({self.serial})

    def ask(self, message: bytes) -> bytes:
        """Return the camera's answer; a refusal is an answer."""
        steps = {
            "registration-hello": self._greet,
            "registration-look": self._look,
            "registration-acceptance": self._accept,
            "registration": self._end,
        }
        try:
            return steps[kind_of(message)](message)
        except FormatError as error:
            return write_refusal(error)

    def hang_up(self) -> None:
        """End nothing: there is no connection."""

    def _greet(self, message: bytes) -> bytes:
        if self._heard.get("hello") != message:
            answer = RegistrationRequest(
                sha256(message).digest(),
                token_bytes(NONCE_BYTES),
                _board(self.serial),
                self._camera_request,
                read_request(self._camera_request),
            )
            written = write_registration_request(answer, read_hello(message).ephemeral, self._keys)
            self._heard = {"hello": message, "request": written}
        return self._heard["request"]

    def _look(self, message: bytes) -> bytes:
        hello, request = self._heard["hello"], self._heard["request"]
        transcript = transcript_of(hello, request, read_look(message, read_hello(hello)))
        self._heard["transcript"] = transcript
        self.draw("   ".join("*" * blinks for blinks in code_of(transcript)))
        return write_shown(transcript)

    def _accept(self, message: bytes) -> bytes:
        transcript = self._heard["transcript"]
        read_acceptance(message, read_hello(self._heard["hello"]), transcript)
        camera = read_request(self._camera_request).identity.camera_id
        edges = tuple(_edges(code_of(transcript)))
        return write_lamp_record(
            LampRecord(camera, self.serial, transcript, edges, 100, 0, 100, 100), self._sign
        )

    def _end(self, message: bytes) -> bytes:
        read_registration(message)
        self._ended = True
        return write_done(sha256(message).digest())


@dataclass(frozen=True, slots=True)
class Practice:
    """What a registration needs, made for this moment."""

    manifest: Manifest
    terms: Terms
    cables: list[PretendCamera]


@contextmanager
def pretend_bench(cameras: int, draw: Callable[[str], None]) -> Iterator[Practice]:
    """Make a bench of pretend cameras with a site and an installer; remove all of it at the end.

    Args:
        cameras: how many.
        draw: shows what the lamp of the camera does whose turn it is.
    """
    with TemporaryDirectory(prefix="tallylight-practice-") as folder:
        authority = Authority(Ed25519PrivateKey.generate(), SITE, datetime.now(UTC))
        terms = Terms(
            site=SITE,
            root=b"no root",
            authority=authority.authority_certificate(),
            certify=lambda name, csr: authority.client_certificate(name, requested_key(csr)),
            broker_host="192.0.2.10",
            broker_port=8883,
            now=lambda: datetime.now(UTC),
            training=True,
        )
        manifest = Manifest(Site(Path(folder)), SigningKey.generate())
        numbers = range(1, cameras + 1)
        cables = [PretendCamera(f"cable {one}", f"pretend-{one}", draw) for one in numbers]
        yield Practice(manifest, terms, cables)


def _board(serial: str) -> Board:
    mac = b"\x02" + sha256(serial.encode()).digest()[:5]
    return Board(serial, mac, "pretend", BoardKey.NONE, "none", bytes(32), bytes(32), 0)


def _certificate_request(camera: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, camera)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def _edges(code: tuple[int, ...]) -> Iterator[Edge]:
    at_ms = _PAUSE_MS
    for blinks in code:
        for _ in range(blinks):
            yield Edge(at_ms, lit=True)
            yield Edge(at_ms + _BLINK_MS, lit=False)
            at_ms += 2 * _BLINK_MS
        at_ms += _PAUSE_MS
