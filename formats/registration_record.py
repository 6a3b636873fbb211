"""The registration record, and the manifest: a hash chain of one installer's registrations.

A record holds every message of one registration, byte by byte, signed by the installer. So its
reader verifies again what the laptop verified: hello, request, code, acceptance, lamp record. Each
record names the one before it by SHA-256. The manifest is these records, one a line, from the
first on; a record that is left out, doubled or changed breaks the chain. Whether the installer is
one of the site's is the reader's question. Byte tables: docs/formats/registration.md.
"""

from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from nacl.signing import VerifyKey

from formats.board import DIGEST_BYTES, NOT_REAL, Board
from formats.camera_request import CameraIdentity
from formats.errors import BrokenChain, Forged, FormatError, TooLarge
from formats.lamp_record import LampRecord, read_lamp_record
from formats.public_keys import signing_key
from formats.registration import (
    Acceptance,
    Hello,
    read_acceptance,
    read_hello,
    read_look,
    transcript_of,
)
from formats.registration_request import (
    RegistrationRequest,
    read_registration_request,
)
from formats.signed_members import SIGNED_LIMIT, read_signed, sign_members
from formats.signer import Ed25519Signer
from formats.strict_json import Fields, JsonValue

RECORDS_LIMIT: Final = 1024
"""Most records of a manifest: 16 sites of 64 cameras."""
MANIFEST_LIMIT: Final = RECORDS_LIMIT * 32 * 1024
FIRST: Final = bytes(DIGEST_BYTES)
"""What the first record of a manifest names as the one before it."""
_KIND: Final = "registration"


@dataclass(frozen=True, slots=True)
class RegistrationRecord:
    """One registration, as the installer signs it."""

    number: int
    """In the installer's manifest, from 0."""
    previous: bytes
    """(32,) SHA-256 of the record before it."""
    installer: VerifyKey
    registered_utc_s: int
    hello: bytes
    request: bytes
    look: bytes
    acceptance: bytes
    lamp_record: bytes


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration that was verified; only `read_registration` and `read_manifest` make one."""

    record: RegistrationRecord
    hello: Hello
    request: RegistrationRequest
    acceptance: Acceptance
    lamp: LampRecord

    @property
    def identity(self) -> CameraIdentity:
        """The camera's keys."""
        return self.request.camera.identity

    @property
    def board(self) -> Board:
        """The camera's board."""
        return self.request.board


def write_registration(record: RegistrationRecord, key: Ed25519Signer) -> bytes:
    """Return the record, signed by the installer."""
    return sign_members(_KIND, _members(record), key)


def read_registration(data: bytes) -> Registration:
    """Return the registration in `data`, each of its messages verified.

    Raises:
        FormatError: it is none, or a message, signature, code or transcript does not hold.
    """
    record = read_signed(
        _KIND,
        data,
        _read,
        members=_members,
        key=lambda found: found.installer,
    )
    hello = read_hello(record.hello)
    if hello.installer != record.installer:
        raise Forged("Another installer signed the record than the one who greeted the camera.")
    request = read_registration_request(record.request, record.hello)
    nonce = read_look(record.look, hello)
    transcript = transcript_of(record.hello, record.request, nonce)
    acceptance = read_acceptance(record.acceptance, hello, transcript)
    identity, board = request.camera.identity, request.board
    lamp = read_lamp_record(record.lamp_record, identity.sign_key)
    if (lamp.camera, lamp.serial, lamp.transcript) != (
        identity.camera_id,
        board.serial,
        transcript,
    ):
        raise Forged("The lamp record is of another camera or another registration.")
    refuse_unkept_key(board, training=acceptance.training)
    return Registration(record, hello, request, acceptance, lamp)


def refuse_unkept_key(board: Board, *, training: bool) -> None:
    """Raise unless the board keeps its key as a real camera must, or is for training.

    Raises:
        Forged: its key lies in a file, or there is none.
    """
    if board.key in NOT_REAL and not training:
        raise Forged(
            f"The board {board.serial} keeps its key as {board.key!s}: no real camera is "
            "registered so; for training, register with --training."
        )


def read_manifest(data: bytes, wiped: Collection[bytes] = ()) -> tuple[Registration, ...]:
    """Return the registrations of a manifest, each verified and in its chain.

    Args:
        data: the manifest.
        wiped: ids of cameras that were wiped: their boards may be registered again.

    Raises:
        TooLarge: longer than `MANIFEST_LIMIT`, or more than `RECORDS_LIMIT` records.
        BrokenChain: a record is refused, is of another installer or site, does not follow the one
            before it, or names a board or a key that was registered before.
    """
    lines = data.splitlines()
    if len(data) > MANIFEST_LIMIT or len(lines) > RECORDS_LIMIT:
        raise TooLarge(f"A manifest has {RECORDS_LIMIT} records at most.")
    if data and not data.endswith(b"\n"):
        raise BrokenChain(len(lines) - 1, "the manifest was cut off in it.")
    found: list[Registration] = []
    previous = FIRST
    for number, line in enumerate(lines):
        try:
            one = read_registration(line)
        except FormatError as error:
            raise BrokenChain(number, str(error)) from error
        if (one.record.number, one.record.previous) != (number, previous):
            raise BrokenChain(number, "it does not follow the one before it.")
        if found and (one.hello.installer, one.hello.site) != (
            found[0].hello.installer,
            found[0].hello.site,
        ):
            raise BrokenChain(number, "it is of another installer or site.")
        twin = twin_of(one.request, found, wiped)
        if twin is not None:
            raise BrokenChain(number, f"its {twin} was registered before.")
        found.append(one)
        previous = sha256(line).digest()
    return tuple(found)


def twin_of(
    request: RegistrationRequest, before: list[Registration], wiped: Collection[bytes] = ()
) -> str | None:
    """Return what this camera shares with another that was registered before; None if nothing.

    The same camera, with all its keys, is no other: it was registered again after its fail-safe.
    The board of a camera that was wiped may have a serial number and an address again, and no key.
    """
    keys = set(request.camera.identity.public_keys)
    for each in before:
        board = each.board
        if each.identity == request.camera.identity and (board.serial, board.mac) == (
            request.board.serial,
            request.board.mac,
        ):
            continue
        is_wiped = each.identity.camera_id in wiped
        if board.serial == request.board.serial and not is_wiped:
            return "serial number"
        if board.mac == request.board.mac and not is_wiped:
            return "MAC address"
        if keys & set(each.identity.public_keys):
            return "key"
    return None


def _members(record: RegistrationRecord) -> dict[str, JsonValue]:
    return {
        "acceptance": b64encode(record.acceptance).decode(),
        "hello": b64encode(record.hello).decode(),
        "installer": bytes(record.installer).hex(),
        "lamp_record": b64encode(record.lamp_record).decode(),
        "look": b64encode(record.look).decode(),
        "number": record.number,
        "previous": record.previous.hex(),
        "registered_utc_s": record.registered_utc_s,
        "request": b64encode(record.request).decode(),
    }


def _read(fields: Fields) -> RegistrationRecord:
    return RegistrationRecord(
        number=fields.integer("number", high=RECORDS_LIMIT),
        previous=fields.hex_bytes("previous", DIGEST_BYTES),
        installer=signing_key(fields.hex_bytes("installer", 32)),
        registered_utc_s=fields.utc_s("registered_utc_s"),
        hello=fields.base64_bytes("hello", at_most=SIGNED_LIMIT),
        request=fields.base64_bytes("request", at_most=SIGNED_LIMIT),
        look=fields.base64_bytes("look", at_most=SIGNED_LIMIT),
        acceptance=fields.base64_bytes("acceptance", at_most=SIGNED_LIMIT),
        lamp_record=fields.base64_bytes("lamp_record", at_most=SIGNED_LIMIT),
    )
