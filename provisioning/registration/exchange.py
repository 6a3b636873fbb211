"""One camera's registration, as the laptop sees it: the steps, each of which can be repeated.

What was said and heard lies in one file for each board's serial number. A laptop that was killed
goes on with the same nonce, so that the camera gives the same answers. It asks no person again for
a code that was seen. The laptop compares the code before it sends the certificate: a camera on
another cable cannot be registered under this one's name. Three tries end it, each of a fresh nonce:
a wrong code is one, and so is a camera that begins anew after it has seen the nonce, or that was
asked to blink three times for one nonce.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import Final, TypeAlias

from nacl.public import PrivateKey

from formats.errors import Malformed
from formats.lamp_record import read_lamp_record
from formats.registration import (
    Acceptance,
    Hello,
    code_of,
    commit,
    read_shown,
    transcript_of,
    write_acceptance,
    write_hello,
    write_look,
)
from formats.registration_cable import RefusedByCamera, raise_refusal, read_done
from formats.registration_record import Registration, refuse_unkept_key
from formats.registration_request import (
    NONCE_BYTES,
    RegistrationRequest,
    read_registration_request,
)
from formats.site_network import SiteNetwork
from formats.strict_json import dumps
from formats.whole_file import PRIVATE, write_whole
from provisioning.errors import CameraRefused
from provisioning.registration.open_file import (
    LOOKS,
    TRIES,
    OpenRegistration,
    open_folder,
    read_open,
)
from provisioning.site.registrations import Manifest

_RECORDED: Final = ("hello", "request", "look", "acceptance", "lamp_record")

Ask: TypeAlias = Callable[[bytes], bytes]
"""Sends a message over the cable and returns the answer; raises OSError if the line is gone."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What every camera of this bench gets, and how the laptop tells a real one."""

    site: str
    root: bytes
    authority: bytes
    """PEM of the broker's authority."""
    certify: Callable[[str, bytes], bytes]
    """Issues the certificate, PEM, for a camera's id and its certificate request."""
    broker_host: str
    broker_port: int
    now: Callable[[], datetime]
    network: Callable[[], SiteNetwork] = SiteNetwork
    """Gives the next camera its address."""
    training: bool = False
    boards: frozenset[str] | None = None
    """Serial numbers that the installer read from the boards; None if they were not read."""


@dataclass(slots=True)
class Exchange:
    """The registration of the camera with one serial number."""

    manifest: Manifest
    terms: Terms
    serial: str
    place: str
    """The camera's place on the bench."""
    kept: dict[str, bytes] = field(init=False)
    wrong: int = field(init=False)
    """Tries that were used up."""
    looks: int = field(init=False)
    """How often this camera was asked to blink for its nonce."""

    def __post_init__(self) -> None:
        self.kept, self.wrong, self.looks = self._read()

    @property
    def request(self) -> RegistrationRequest:
        """Return the camera's request, which was verified."""
        return read_registration_request(self.kept["request"], self.kept["hello"])

    @property
    def registration(self) -> Registration:
        """Return the camera's verified registration, once it is in the manifest."""
        return next(
            one for one in self.manifest.found if one.record.request == self.kept["request"]
        )

    @property
    def code(self) -> tuple[int, ...]:
        """Return the code that the camera must show."""
        return code_of(self._transcript)

    @property
    def is_seen(self) -> bool:
        """Whether a person has seen the code already."""
        return "acceptance" in self.kept

    @property
    def is_recorded(self) -> bool:
        """Whether a record of this registration was signed before."""
        return "request" in self.kept and self.manifest.line_of(self.kept["request"]) is not None

    def greet(self, ask: Ask) -> RegistrationRequest:
        """Say hello and verify the camera's request.

        Raises:
            CameraRefused: three tries were used up; the serial is not the one of the
                cable or of the boards; it, a key or the MAC was registered before.
            FormatError, RefusedByCamera: the answer is refused, or refuses.
            OSError: the line is gone.
        """
        if self.wrong >= TRIES:
            raise CameraRefused(
                f"Camera {self.serial} has used up its {TRIES} tries: look at what hangs on its "
                f"cable, then remove {self._path}."
            )
        if "hello" not in self.kept:
            self._begin()
        answer = _asked(ask, self.kept["hello"])
        ephemeral = PrivateKey(self.kept["ephemeral"])
        request = read_registration_request(answer, self.kept["hello"], ephemeral)
        if self.kept.get("request", answer) != answer:
            self.wrong += "look" in self.kept
            self._drop()  # The camera has forgotten: its fail-safe, or another laptop.
            raise CameraRefused(f"Camera {self.serial} has begun anew: it is asked again.")
        self._refuse_strange(request)
        if self.manifest.line_of(answer) is None:
            self.manifest.refuse_twin(request)
        if "request" not in self.kept:
            self._keep(self.kept | {"request": answer})
        return request

    def resume(self, ask: Ask) -> bool:
        """Return whether the camera keeps a record that was signed before; send it once more.

        Raises:
            FormatError: the answer is refused.
            OSError: the line is gone.
        """
        line = self.manifest.line_of(self.kept["request"]) if "request" in self.kept else None
        if line is None:
            return False
        try:
            self._end(ask, line)
        except RefusedByCamera:  # The camera has forgotten: its fail-safe.
            return False
        return True

    def show(self, ask: Ask) -> None:
        """Let the camera blink its code; return when it has.

        Raises:
            CameraRefused: it was asked three times; the next try is with a fresh nonce.
            FormatError, RefusedByCamera: the answer is refused, or refuses.
            OSError: the line is gone.
        """
        if self.looks >= LOOKS:
            self.wrong += 1
            self._drop()
            raise CameraRefused(
                f"Camera {self.serial} was asked for one code {LOOKS} times: it gets another one, "
                f"try {self.wrong} of {TRIES}."
            )
        look, self.looks = write_look(self.kept["nonce"]), self.looks + 1
        self._keep(self.kept | {"look": look})  # From here on the nonce is known.
        read_shown(_asked(ask, look), self._transcript)

    def check_code(self, seen: tuple[int, ...]) -> None:
        """Accept the camera, if a person saw its code on it.

        Raises:
            CameraRefused: it is another code; the next try is with a fresh nonce.
        """
        if seen != self.code:
            self.wrong += 1
            self._drop()
            raise CameraRefused(
                f"This is not the code of camera {self.serial}: try {self.wrong} of {TRIES}."
            )
        request, terms = self.request, self.terms
        camera = request.camera.identity.camera_id.hex()
        acceptance = Acceptance(
            transcript=self._transcript,
            site=terms.site,
            root_digest=sha256(terms.root).digest(),
            installer=self.manifest.key.verify_key,
            place=self.place,
            certificate=terms.certify(camera, request.camera.csr),
            authority=terms.authority,
            broker_host=terms.broker_host,
            broker_port=terms.broker_port,
            network=terms.network(),
            training=terms.training,
            accepted_utc_s=int(terms.now().timestamp()),
        )
        written = write_acceptance(acceptance, self.manifest.key)
        self._keep(self.kept | {"look": write_look(self.kept["nonce"]), "acceptance": written})

    def finish(self, ask: Ask) -> None:
        """Exchange certificate and lamp record, sign the record, and let the camera keep it.

        Raises:
            FormatError, RefusedByCamera: an answer is refused, or refuses.
            CameraRefused: a twin was registered meanwhile.
            OSError: the line is gone; the record may be in the manifest already.
        """
        line = self.manifest.line_of(self.kept["request"])
        if line is None:
            answer = _asked(ask, self.kept["acceptance"])
            read_lamp_record(answer, self.request.camera.identity.sign_key)
            self._keep(self.kept | {"lamp_record": answer})
            steps = {step: self.kept[step] for step in _RECORDED}
            line = self.manifest.append(steps, int(self.terms.now().timestamp()))
        self._end(ask, line)

    def _end(self, ask: Ask, line: bytes) -> None:
        read_done(_asked(ask, line), sha256(line).digest())
        self._path.unlink(missing_ok=True)

    @property
    def _transcript(self) -> bytes:
        return transcript_of(self.kept["hello"], self.kept["request"], self.kept["nonce"])

    @property
    def _path(self) -> Path:
        name = sha256(self.serial.encode()).hexdigest()[:16]
        return open_folder(self.manifest) / f"{name}.json"

    def _begin(self) -> None:
        ephemeral, nonce, key = PrivateKey.generate(), token_bytes(NONCE_BYTES), self.manifest.key
        hello = Hello(self.terms.site, key.verify_key, ephemeral.public_key, commit(nonce))
        steps = {"ephemeral": bytes(ephemeral), "nonce": nonce, "hello": write_hello(hello, key)}
        self._keep(steps)

    def _refuse_strange(self, request: RegistrationRequest) -> None:
        board = request.board
        if board.serial != self.serial:
            raise CameraRefused(
                f"The cable said {self.serial} and the camera says {board.serial}: two cameras "
                "hang on one link; give each its own."
            )
        if self.terms.boards is not None and board.serial not in self.terms.boards:
            raise CameraRefused(
                f"No board with the serial number {board.serial} was read: look at the board."
            )
        refuse_unkept_key(board, training=self.terms.training)

    def _drop(self) -> None:
        self.looks = 0
        self._keep({})

    def _keep(self, steps: dict[str, bytes]) -> None:
        texts = {name: b64encode(message).decode() for name, message in steps.items()}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(
            self._path, dumps({"looks": self.looks, "wrong": self.wrong, **texts}), mode=PRIVATE
        )
        self.kept = steps

    def _read(self) -> OpenRegistration:
        try:
            return read_open(self.manifest, self._path.name)
        except FileNotFoundError:
            return OpenRegistration({})


def _asked(ask: Ask, message: bytes) -> bytes:
    answer = ask(message)
    if not answer:
        raise Malformed("The camera gave no answer.")
    raise_refusal(answer)
    return answer
