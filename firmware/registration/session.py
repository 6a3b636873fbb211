"""The camera's side of a registration: answer each message; every step can be repeated.

What was received and answered lies in one file, which is replaced whole at each step: after a power
cut the session goes on where it was. The same hello gets the same request. Another hello begins
anew, once in 30 s. Ten minutes after the last step a half registration is forgotten, its
certificate too; the keys stay. The last step writes the registration record; after that nothing is
answered but the same record. Nothing here opens a socket or a line of the lamp.
"""

import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from typing import Final

from nacl.signing import SigningKey

from firmware.config import State
from firmware.errors import RegistrationRefused
from firmware.folder import Folder
from firmware.guard.blinks import Seen
from firmware.identity import courier_key, ledger_signer, make_identity, watch_keys
from firmware.registration.kept import read_kept, record_path
from firmware.registration.settings import refuse_odd_host, write_settings
from formats.board import Board
from formats.camera_request import REQUEST_LIMIT, read_request
from formats.errors import FormatError, Refused
from formats.lamp_record import LampRecord, read_lamp_record, write_lamp_record
from formats.ledger import Program
from formats.registration import (
    Acceptance,
    code_of,
    read_acceptance,
    read_hello,
    read_look,
    transcript_of,
    write_shown,
)
from formats.registration_cable import kind_of, write_done, write_refusal
from formats.registration_record import read_registration, refuse_unkept_key
from formats.registration_request import (
    NONCE_BYTES,
    CameraKeys,
    RegistrationRequest,
    read_registration_request,
    write_registration_request,
)
from formats.signed_members import SIGNED_LIMIT
from formats.strict_json import Fields, dumps, parse

FAIL_SAFE_S: Final = 600.0
"""A half registration is forgotten after this time without a step (docs/decisions/0028)."""
HELLO_S: Final = 30.0
"""Shortest time from one hello to another one. A device in the middle knows the code of each hello
before it is blinked: with more hellos it would choose among more codes (docs/decisions/0028)."""
REQUEST_FILE: Final = "enrolment.json"
"""The camera request that `firmware.identity` writes."""
SESSION_FILE: Final = "registering.json"
CERTIFICATES: Final = ("tls.crt", "broker-ca.pem")
"""In the courier's folder: the camera's own certificate, and the broker's authority."""
_SESSION_LIMIT: Final = 8 * SIGNED_LIMIT
_STEPS: Final = ("hello", "request", "look", "lamp_record", "acceptance")


@dataclass(slots=True)
class Session:
    """One camera that is being registered."""

    state: State
    board: Board
    root: bytes
    """The site's first root, from the image."""
    blink: Callable[[tuple[int, ...]], Seen]
    """Blinks a code once and says what the sense line said."""
    now: Callable[[], float] = time.monotonic
    _kept: dict[str, bytes] = field(init=False)
    _stepped_s: float = field(init=False)
    _greeted_s: float = field(init=False)

    def __post_init__(self) -> None:
        if not self._has_keys():
            make_identity(self.state)
        self._kept = self._read()
        self._stepped_s = self._greeted_s = self.now()

    @property
    def ended(self) -> bool:
        """Whether the record is on the disk: no socket may listen any more."""
        return read_kept(self.state) is not None

    def forget_if_late(self) -> None:
        """Forget a half registration ten minutes after its last step."""
        if self._kept and self.now() - self._stepped_s > FAIL_SAFE_S:
            if "acceptance" in self._kept and not self.ended:
                self._forget_certificate()
            self._keep({})

    def answer(self, message: bytes) -> bytes:
        """Return the answer to a message; a refusal is an answer.

        Raises:
            ForeignFile, OSError: the state folder cannot be written.
        """
        self.forget_if_late()
        steps = {
            "registration-hello": self._greet,
            "registration-look": self._look,
            "registration-acceptance": self._accept,
            "registration": self._end,
        }
        try:
            return steps.get(kind_of(message), _refuse_unknown)(message)
        except (FormatError, RegistrationRefused) as error:
            return write_refusal(error)

    def _greet(self, message: bytes) -> bytes:
        if self.ended:
            raise RegistrationRefused("This camera is registered: wipe it to register it again.")
        hello = read_hello(message)
        if self._kept.get("hello") != message:
            if self._kept and self.now() - self._greeted_s < HELLO_S:
                raise RegistrationRefused(
                    f"This camera has just answered another hello: it takes one in {HELLO_S:.0f} s."
                )
            camera_request = self._camera_request()
            request = RegistrationRequest(
                sha256(message).digest(),
                token_bytes(NONCE_BYTES),
                self.board,
                camera_request,
                read_request(camera_request),
            )
            written = write_registration_request(request, hello.ephemeral, self._keys())
            self._keep({"hello": message, "request": written})
            self._greeted_s = self.now()
        return self._kept["request"]

    def _look(self, message: bytes) -> bytes:
        transcript = self._transcript(message)
        if "acceptance" not in self._kept:
            seen = self.blink(code_of(transcript))
            key = self._sign_key()
            written = write_lamp_record(self._lamp_record(seen, transcript), key)
            read_lamp_record(written, key.verify_key)  # A lamp that fails is refused here.
            self._keep(self._kept | {"look": message, "lamp_record": written})
        return write_shown(transcript)

    def _accept(self, message: bytes) -> bytes:
        if "lamp_record" not in self._kept:
            raise RegistrationRefused("This camera has not blinked its code yet: look first.")
        transcript = self._transcript(self._kept["look"])
        acceptance = read_acceptance(message, read_hello(self._kept["hello"]), transcript)
        self._refuse_unfit(acceptance)
        self._keep(self._kept | {"acceptance": message})
        return self._kept["lamp_record"]

    def _end(self, message: bytes) -> bytes:
        kept = read_kept(self.state)
        if kept is None:
            self._install(message)
        elif kept != message:
            raise RegistrationRefused("This camera is registered: wipe it to register it again.")
        self._keep({})
        return write_done(sha256(message).digest())

    def _install(self, message: bytes) -> None:
        """Write certificates and, last, the record: it alone makes the camera a registered one."""
        found = read_registration(message)
        if any(self._kept.get(step) != getattr(found.record, step) for step in _STEPS):
            raise RegistrationRefused("The record is of another registration than this camera's.")
        with Folder(self.state.courier) as folder:
            contents = (found.acceptance.certificate, found.acceptance.authority)
            for name, content in zip(CERTIFICATES, contents, strict=True):
                folder.replace(name, content, mode=0o644)
        authority = self.state.courier / CERTIFICATES[1]
        write_settings(self.state, found.acceptance, authority)
        path = record_path(self.state)
        with Folder(path.parent) as folder:
            folder.replace(path.name, message, mode=0o644)

    def _forget_certificate(self) -> None:
        """Remove what a power cut before the record left behind."""
        with Folder(self.state.courier) as folder:
            for name in CERTIFICATES:
                folder.remove(name)
            folder.sync()

    def _transcript(self, look: bytes) -> bytes:
        if "request" not in self._kept:
            raise RegistrationRefused("No registration has begun on this camera: say hello first.")
        hello, request = self._kept["hello"], self._kept["request"]
        return transcript_of(hello, request, read_look(look, read_hello(hello)))

    def _lamp_record(self, seen: Seen, transcript: bytes) -> LampRecord:
        request = read_registration_request(self._kept["request"], self._kept["hello"])
        return LampRecord(
            camera=request.camera.identity.camera_id,
            serial=request.board.serial,
            transcript=transcript,
            edges=tuple(seen.edges),
            dark_samples=seen.samples[False],
            dark_sensed=seen.sensed[False],
            lit_samples=seen.samples[True],
            lit_sensed=seen.sensed[True],
        )

    def _refuse_unfit(self, acceptance: Acceptance) -> None:
        if acceptance.root_digest != sha256(self.root).digest():
            raise RegistrationRefused(
                "The laptop is of another site than this camera's image: flash the card with the "
                "site's own image."
            )
        refuse_unkept_key(self.board, training=acceptance.training)
        refuse_odd_host(acceptance)
        with Folder.made(self.state.courier, 0o700) as folder:
            folder.write(".tls.new", acceptance.certificate, mode=0o600)
            try:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.load_cert_chain(
                    folder.path / ".tls.new", folder.path / "tls.key", password=""
                )
                context.load_verify_locations(cadata=acceptance.authority.decode("ascii"))
            except (OSError, ValueError) as error:  # An SSLError is an OSError.
                raise RegistrationRefused(
                    "The certificate is not for this camera's TLS key, or the authority is none."
                ) from error
            finally:
                folder.remove(".tls.new")

    def _keys(self) -> CameraKeys:
        watch = watch_keys(self.state)
        return CameraKeys(
            sign=watch.sign,
            lampguard=ledger_signer(self.state, Program.LAMPGUARD).key,
            courier=ledger_signer(self.state, Program.COURIER).key,
            list=watch.list,
            receipt=courier_key(self.state),
        )

    def _has_keys(self) -> bool:
        try:
            self._camera_request()
        except FileNotFoundError:
            return False
        return True

    def _sign_key(self) -> SigningKey:
        return watch_keys(self.state).sign

    def _camera_request(self) -> bytes:
        with Folder(self.state.root.resolve()) as folder:
            return folder.read(REQUEST_FILE, limit=REQUEST_LIMIT)

    def _read(self) -> dict[str, bytes]:
        """Return what an earlier run kept; a broken file is as good as none."""
        with Folder(self.state.root.resolve()) as folder:
            if folder.status(SESSION_FILE) is None:
                return {}
            try:
                content = folder.read(SESSION_FILE, limit=_SESSION_LIMIT)
                return parse(content, _read_steps, limit=_SESSION_LIMIT, what="session")
            except Refused:
                folder.remove(SESSION_FILE)
                return {}

    def _keep(self, steps: dict[str, bytes]) -> None:
        with Folder(self.state.root.resolve()) as folder:
            if steps:
                texts = {name: b64encode(message).decode() for name, message in steps.items()}
                folder.replace(SESSION_FILE, dumps(texts), mode=0o600)
            else:
                folder.remove(SESSION_FILE)
                folder.sync()
        self._kept, self._stepped_s = steps, self.now()


def _refuse_unknown(_message: bytes) -> bytes:
    raise RegistrationRefused("This camera does not know such a message.")


def _read_steps(fields: Fields) -> dict[str, bytes]:
    return {
        name: fields.base64_bytes(name, at_most=SIGNED_LIMIT) for name in _STEPS if fields.has(name)
    }
