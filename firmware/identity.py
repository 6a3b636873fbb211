"""The camera's keys: made on the camera, one for each purpose, each readable by one program.

    watch/sign.key       Ed25519   signs events
    watch/list.key       X25519    opens list bodies
    courier/receipt.key  X25519    opens receipts, and nothing else
    courier/tls.key      P-256     proves this camera to the broker
    courier/camera-id              this camera's topic and name at the broker
    enrolment.json                 the public halves, signed: what the installer's laptop takes

No key here opens an event: those are sealed to people.
"""

import os
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from firmware.config import State
from firmware.delivery import durable
from firmware.errors import IdentityRefused
from formats.enrolment import CameraIdentity, read_request, write_request
from formats.errors import FormatError

KEY_BYTES: Final = 32
OPENSSL_S: Final = 30


class WatchKeys(NamedTuple):
    """What `watch` may use."""

    sign: SigningKey
    list: PrivateKey


def make_identity(state: State) -> CameraIdentity:
    """Make the keys that are missing, write the enrolment request, return the public halves.

    Raises:
        IdentityRefused: a key that exists is broken, or openssl is missing or fails.
    """
    for folder in (state.watch, state.courier):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (state.watch / "sign.key", state.watch / "list.key", state.courier / "receipt.key"):
        if not path.exists():
            _write_key(path, os.urandom(KEY_BYTES))
    keys, receipt_key = watch_keys(state), courier_key(state)
    identity = CameraIdentity(keys.sign.verify_key, keys.list.public_key, receipt_key.public_key)
    request = write_request(
        keys.sign,
        list_key=keys.list.public_key,
        receipt_key=receipt_key.public_key,
        csr=_tls_request(state.courier / "tls.key", identity.camera_id.hex()),
    )
    durable.replace(state.root / "enrolment.json", request)
    durable.replace(state.courier / "camera-id", identity.camera_id.hex().encode())
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


def own_identity(state: State) -> CameraIdentity:
    """Return the public halves of this camera's keys, from its enrolment request.

    Raises:
        IdentityRefused: the request is missing or broken.
    """
    path = state.root / "enrolment.json"
    try:
        return read_request(path.read_bytes()).identity
    except (OSError, FormatError) as error:
        raise IdentityRefused(
            f"{path} cannot be used: run `tallylight-camera identity`."
        ) from error


def _read_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise IdentityRefused(
            f"The key {path} cannot be read ({error.strerror}): run `tallylight-camera identity`."
        ) from error
    if len(key) != KEY_BYTES:
        raise IdentityRefused(f"The key {path} is broken: wipe this camera and enrol it again.")
    return key


def _write_key(path: Path, key: bytes) -> None:
    draft = path.with_suffix(".part")
    draft.touch(mode=0o600)
    durable.write(draft, key)
    durable.rename(draft, path)


def _tls_request(key: Path, camera: str) -> bytes:
    """Make the TLS key if it is missing; return its PKCS#10 request, DER.

    OpenSSL's own program makes both: the camera needs no X.509 library for one request.
    """
    if not key.exists():
        draft = key.with_suffix(".part")
        _openssl(
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(draft)
        )
        draft.chmod(0o600)
        durable.rename(draft, key)
    return _openssl("req", "-new", "-key", str(key), "-subj", f"/CN={camera}", "-outform", "DER")


def _openssl(*arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603  # Fixed words and our own paths; no shell.
            ["/usr/bin/openssl", *arguments], check=True, capture_output=True, timeout=OPENSSL_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise IdentityRefused(
            "OpenSSL could not make the TLS key: install the package openssl and try again."
        ) from error
    return done.stdout
