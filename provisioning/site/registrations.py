"""The manifest of an installer in a site's folder: append records, find twins, merge from a stick.

    registrations/INSTALLER.jsonl    records, one a line, hash-chained (formats.registration_record)
    registrations/open/SERIAL.json   a registration that has begun and not ended, on the laptop

A record is on the disk before the camera gets it and before its label is printed. A manifest is
replaced whole, so that a laptop that is switched off leaves the old one or the new one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from nacl.signing import VerifyKey

from formats.errors import FormatError, Malformed
from formats.policy import Place
from formats.registration_record import (
    FIRST,
    MANIFEST_LIMIT,
    Registration,
    RegistrationRecord,
    read_manifest,
    read_registration,
    twin_of,
    write_registration,
)
from formats.registration_request import RegistrationRequest
from formats.signer import Ed25519Signer
from formats.whole_file import READABLE, write_whole
from provisioning.disk import write_atomically
from provisioning.errors import CameraRefused
from provisioning.foreign_file import read_foreign
from provisioning.site.folder import Site
from provisioning.site.installers import FOLDER, installer_name, installers, manifest_path
from provisioning.site.wiped import wiped_cameras

_BEGINNING: Final = 4
"""Fewest digits of a camera's id that name it."""


@dataclass(slots=True)
class Manifest:
    """One installer's manifest on the laptop; safe to use from several threads."""

    site: Site
    key: Ed25519Signer
    """The installer's."""
    found: list[Registration] = field(init=False)
    _wiped: frozenset[bytes] = field(init=False)
    _lines: list[bytes] = field(init=False)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        content = read_stored(self.site, self.path.name)
        self._wiped = wiped_cameras(self.site)
        self.found, self._lines = list(read_manifest(content, self._wiped)), content.splitlines()

    @property
    def path(self) -> Path:
        """Where it lies."""
        return manifest_path(self.site, self.key.verify_key)

    def refuse_twin(self, request: RegistrationRequest) -> None:
        """Raise if a serial, MAC or key of this camera was registered before.

        Raises:
            CameraRefused: one was.
        """
        with self._lock:
            twin = twin_of(request, self.found, self._wiped)
        if twin is not None:
            raise CameraRefused(
                f"The {twin} of camera {request.board.serial} was registered before: take it off "
                "the cable and find out which of the two is the true one. If that camera was "
                "wiped, bring its certificate from the desk: tallylight give there, take here."
            )

    def line_of(self, request: bytes) -> bytes | None:
        """Return the signed record of a camera's request; None if it has none yet."""
        with self._lock:
            for one, line in zip(self.found, self._lines, strict=True):
                if one.record.request == request:
                    return line
        return None

    def append(self, steps: dict[str, bytes], utc_s: int) -> bytes:
        """Sign and append the record of one registration; return it.

        Args:
            steps: hello, request, look, acceptance and lamp record.
            utc_s: now.

        Raises:
            FormatError: the record cannot be read back, and nothing was appended.
            CameraRefused: a twin was registered meanwhile.
        """
        with self._lock:
            previous = sha256(self._lines[-1]).digest() if self._lines else FIRST
            record = RegistrationRecord(
                number=len(self._lines),
                previous=previous,
                installer=self.key.verify_key,
                registered_utc_s=utc_s,
                **steps,
            )
            line = write_registration(record, self.key)
            content = b"".join(one + b"\n" for one in (*self._lines, line))
            found = _last_of(line, self.found, self._wiped)
            self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            write_whole(self.path, content, mode=READABLE)
            self.found.append(found)
            self._lines.append(line)
        return line


def read_stored(site: Site, name: str) -> bytes:
    """Return a manifest in a site's folder; empty if there is none.

    Raises:
        FileRefused: it is no plain file, or too large.
    """
    try:
        return read_foreign(site.folder, f"{FOLDER}/{name}", limit=MANIFEST_LIMIT)
    except FileNotFoundError:
        return b""


def believed(site: Site) -> Iterator[Registration]:
    """Yield each registration of the installers that the site names.

    Raises:
        CameraRefused: a manifest is broken, or is another installer's.
    """
    wiped = wiped_cameras(site)
    for key in installers(site):
        content = read_stored(site, f"{installer_name(key)}.jsonl")
        yield from read_of(content, key, wiped)


def read_of(content: bytes, key: VerifyKey, wiped: frozenset[bytes]) -> tuple[Registration, ...]:
    """Return the registrations of a manifest that must be this installer's.

    Raises:
        CameraRefused: it is broken, or is another installer's.
    """
    name = installer_name(key)
    try:
        found = read_manifest(content, wiped)
    except FormatError as error:
        raise CameraRefused(f"The manifest of installer {name} is refused: {error}") from error
    if found and found[0].hello.installer != key:
        raise CameraRefused(f"The manifest of installer {name} is signed by another key.")
    return found


def _last_of(line: bytes, before: list[Registration], wiped: frozenset[bytes]) -> Registration:
    """Return what a new line holds, checked as its next reader will check it."""
    found = read_registration(line)
    twin = twin_of(found.request, before, wiped)
    if twin is not None:
        raise CameraRefused(f"The {twin} of camera {found.board.serial} was registered before.")
    if before and before[0].hello.site != found.hello.site:
        raise Malformed("A manifest is of one site.")
    return found


def find_registered(site: Site, beginning: str, *, training: bool) -> Registration:
    """Return the newest registration of a camera, by an installer whom the site names.

    Args:
        site: the site.
        beginning: the first digits of the camera's id, or the serial number of its board.
        training: whether a camera that was registered for training is meant.

    Raises:
        CameraRefused: no installer that the site names has registered it, or it is for training.
    """
    found = _named(site, beginning)
    if found.acceptance.training and not training:
        raise CameraRefused(
            f"Camera {found.board.serial} was registered for training, with a key that its board "
            "keeps in a file or not at all: add it with --training, or register it anew."
        )
    return found


def add_registered(site: Site, found: Registration, *, place: str, grounds: str) -> None:
    """Add a registered camera to the drafts: its place, its request, and the certificate it has.

    Args:
        site: the site.
        found: the registration; its certificate was verified (`broker.registered_certificate`).
        place: where the camera hangs.
        grounds: why listed people are expected there.
    """
    name = found.identity.camera_id.hex()
    if found.identity not in [each.camera for each in site.policy.places]:
        site.add_place(Place(found.identity, place, grounds))
    site.add_request(name, found.request.camera_request)
    clients = site.broker / "clients"
    clients.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(clients / f"{name}.pem", found.acceptance.certificate)


def is_called(registration: Registration, beginning: str) -> bool:
    """Say whether these are first digits of the camera's id, or its board's serial number."""
    name = registration.identity.camera_id.hex()
    begins = len(beginning) >= _BEGINNING and name.startswith(beginning.lower())
    return begins or beginning == registration.board.serial


def _named(site: Site, beginning: str) -> Registration:
    """Return the newest registration of a camera."""
    named = {
        one.identity.camera_id.hex(): one for one in believed(site) if is_called(one, beginning)
    }
    if len(named) != 1:
        raise CameraRefused(
            f"{len(named)} registered cameras are called {beginning!r}: take the installer's stick "
            "with tallylight take, and see tallylight register list."
        )
    return next(iter(named.values()))
