"""The camera's keys: made on the camera, one per purpose, each readable by one program.

    watch/sign.key        Ed25519   signs events, and the ledger of `watch`
    watch/list.key        X25519    opens list bodies
    lampguard/ledger.key  Ed25519   signs the ledger of `lampguard`, and nothing else
    courier/ledger.key    Ed25519   signs the ledger of `courier`, and nothing else
    courier/receipt.key   X25519    opens receipts, and nothing else
    courier/tls.key       P-256     proves this camera to the broker
    courier/camera-id               this camera's topic and name at the broker
    enrolment.json                  the camera request: the public halves, signed, for registration

`tallylight-camera identity` makes them as root; the image gives each folder to its program
(`provisioning/device/image/systemd/tmpfiles.d`). The folders may belong to a program that was taken
over: no link in them is followed.

No key here opens an event: events are sealed to reviewers.
"""

import os
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from firmware.config import State
from firmware.errors import IdentityRefused
from firmware.folder import Folder
from firmware.record.ledger import Signer
from firmware.trust.accepted import begin_trust
from formats.camera_request import CameraIdentity, read_request, write_request
from formats.errors import FormatError
from formats.ledger import Program

KEY_BYTES: Final = 32
OPENSSL_S: Final = 30
TLS_KEY_LIMIT: Final = 1024
"""A P-256 key in PEM has 241 bytes."""
REQUEST_LIMIT: Final = 16 * 1024
"""A camera request has about 2 kB."""
READ_BY_ALL: Final = 0o644
FOR_ITS_OWNER: Final = 0o600


class WatchKeys(NamedTuple):
    """The keys that `watch` may use."""

    sign: SigningKey
    list: PrivateKey


def make_identity(state: State) -> CameraIdentity:
    """Make the keys that are missing, write the camera request, return the public halves.

    Raises:
        IdentityRefused: a key that exists is broken, or openssl is missing or fails.
        ForeignFile: a key or a folder is a link, a FIFO, or of another kind.
    """
    for folder in (state.lampguard, state.watch, state.courier):
        Folder.made(folder, 0o700).close()
    if not _is_there(state.watch / "sign.key"):  # Keys without floors are no new camera's.
        begin_trust(state.site)
    made = (state.watch / "list.key", state.courier / "receipt.key")
    for path in (*_ledger_keys(state).values(), *made):
        if not _is_there(path):
            _write(path, os.urandom(KEY_BYTES), FOR_ITS_OWNER)
    keys = watch_keys(state)
    signing = {name: SigningKey(_read_key(path)) for name, path in _ledger_keys(state).items()}
    identity = CameraIdentity(
        sign_key=keys.sign.verify_key,
        list_key=keys.list.public_key,
        receipt_key=courier_key(state).public_key,
        lampguard_key=signing[Program.LAMPGUARD].verify_key,
        courier_key=signing[Program.COURIER].verify_key,
    )
    csr = _tls_request(state.courier / "tls.key", identity.camera_id.hex())
    _write(_request(state), write_request(keys.sign, identity, csr), READ_BY_ALL)
    _write(state.courier / "camera-id", identity.camera_id.hex().encode(), READ_BY_ALL)
    return identity


def watch_keys(state: State) -> WatchKeys:
    """Return the keys of the program that sees faces.

    Raises:
        IdentityRefused: a key is missing or broken.
    """
    return WatchKeys(
        SigningKey(_read_key(state.watch / "sign.key")),
        PrivateKey(_read_key(state.watch / "list.key")),
    )


def courier_key(state: State) -> PrivateKey:
    """Return the key that opens receipts.

    Raises:
        IdentityRefused: the key is missing or broken.
    """
    return PrivateKey(_read_key(state.courier / "receipt.key"))


def camera_identity(state: State) -> CameraIdentity:
    """Return the public halves of this camera's keys, from its camera request.

    Raises:
        IdentityRefused: the request is missing or broken.
    """
    path = _request(state)
    try:
        return read_request(_read(path, REQUEST_LIMIT)).identity
    except (OSError, FormatError) as error:
        raise IdentityRefused(
            f"{path} cannot be used: run `tallylight-camera identity`."
        ) from error


def ledger_signer(state: State, program: Program) -> Signer:
    """Return the signer of the ledger of one of this camera's programs.

    Raises:
        IdentityRefused: the key is missing or broken, or is not the one in the camera request.
    """
    path, identity = _ledger_keys(state)[program], camera_identity(state)
    key = SigningKey(_read_key(path))
    if key.verify_key != identity.ledger_keys[program]:
        raise IdentityRefused(
            f"The key {path} is not the one in {state.root / 'enrolment.json'}: "
            "wipe this camera and register it again."
        )
    return Signer(identity.camera_id, key)


def _request(state: State) -> Path:
    """Return the path of the camera request; the state folder itself may be a link of root's."""
    return state.root.resolve() / "enrolment.json"


def _ledger_keys(state: State) -> dict[Program, Path]:
    return {
        Program.WATCH: state.watch / "sign.key",
        Program.LAMPGUARD: state.lampguard / "ledger.key",
        Program.COURIER: state.courier / "ledger.key",
    }


def _read_key(path: Path) -> bytes:
    try:
        key = _read(path, KEY_BYTES)
    except OSError as error:
        raise IdentityRefused(
            f"The key {path} cannot be read ({error.strerror}): run `tallylight-camera identity`."
        ) from error
    if len(key) != KEY_BYTES:
        raise IdentityRefused(f"The key {path} is broken: wipe this camera and register it again.")
    return key


def _is_there(path: Path) -> bool:
    with Folder(path.parent) as folder:
        return folder.status(path.name) is not None


def _read(path: Path, limit: int) -> bytes:
    with Folder(path.parent) as folder:
        return folder.read(path.name, limit=limit)


def _write(path: Path, content: bytes, mode: int) -> None:
    with Folder(path.parent) as folder:
        folder.replace(path.name, content, mode=mode)


def _tls_request(key: Path, camera: str) -> bytes:
    """Make the TLS key if it is missing; return its PKCS#10 request, DER.

    OpenSSL's own program makes both: the camera needs no X.509 library for one request.
    """
    if not _is_there(key):
        made = _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        _write(key, made, FOR_ITS_OWNER)
    request = ("req", "-new", "-key", "/dev/stdin", "-subj", f"/CN={camera}", "-outform", "DER")
    return _openssl(*request, given=_read(key, TLS_KEY_LIMIT))


def _openssl(*arguments: str, given: bytes = b"") -> bytes:
    """Run OpenSSL; it opens no file of ours."""
    try:
        done = subprocess.run(  # noqa: S603  # Fixed words; no shell.
            ["/usr/bin/openssl", *arguments],
            input=given,
            check=True,
            capture_output=True,
            timeout=OPENSSL_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise IdentityRefused(
            "OpenSSL could not make the TLS key: install the package openssl and try again."
        ) from error
    return done.stdout
