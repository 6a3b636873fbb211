"""The model bundle: a folder of nets, a manifest of their digests, and the signature of its maker.

    manifest.toml    which nets there are: digests, contracts, alignment, calibration, origin
    manifest.sig     an Ed25519 key and its signature over the manifest's digest
    *.tflite         the nets that the manifest names

The signature binds the manifest; the manifest binds each net by its digest. The manifest is read
once, and the bytes that were verified are handed on in a `VerifiedBundle`. Only this module makes
one. `recognition.manifest` reads what the manifest says. Byte tables: docs/formats/model-bundle.md.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, final

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from formats.errors import Forged, FormatError, TooLarge
from formats.public_keys import signing_key
from formats.signer import Ed25519Signer
from formats.strict_json import Fields, dumps, parse

MANIFEST_FILE: Final = "manifest.toml"
SIGNATURE_FILE: Final = "manifest.sig"

MANIFEST_LIMIT: Final = 1024 * 1024
"""Most bytes of a manifest: the shipped one needs 6 KiB, each quality class 3 KiB more."""

_SIGNATURE_LIMIT: Final = 1024
_DOMAIN: Final = b"tallylight-model-bundle-v1\0"


class BundleRefused(FormatError):
    """A folder is no model bundle."""


@final
@dataclass(frozen=True, slots=True)
class _Made:
    """A token that shows that this module made a `VerifiedBundle`."""


@final
@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """A bundle whose manifest a trusted key has signed."""

    folder: Path
    """Folder of the nets; each net is verified by its digest when it is read."""
    manifest: bytes = field(repr=False)
    """The bytes that were signed."""
    signer: VerifyKey
    _made: _Made = field(repr=False)


def sign_manifest(manifest: bytes, key: Ed25519Signer) -> bytes:
    """Return the content of `manifest.sig`.

    Raises:
        TooLarge: the manifest is longer than `MANIFEST_LIMIT`.
    """
    if len(manifest) > MANIFEST_LIMIT:
        raise TooLarge(f"The manifest has {len(manifest)} bytes; {MANIFEST_LIMIT} are allowed.")
    signature = key.sign(_signed(manifest)).signature
    return dumps({"key": bytes(key.verify_key).hex(), "signature": signature.hex()})


def verify_bundle(folder: Path, trusted: VerifyKey) -> VerifiedBundle:
    """Return the bundle in `folder`, if the trusted key has signed its manifest.

    (0) Manifest and signature are there, and within their limits.
    (1) The signature file has its one spelling.
    (2) It names the trusted key.
    (3) That key has signed this manifest, whole.

    Raises:
        BundleRefused: there is no manifest, or no signature.
        TooLarge: one of them is longer than allowed.
        Malformed: the signature file is no such file.
        Forged: another key has signed, or another manifest was signed.
    """
    manifest = _read(folder / MANIFEST_FILE, MANIFEST_LIMIT)  # (0)
    statement = _read(folder / SIGNATURE_FILE, _SIGNATURE_LIMIT)
    key, signature = parse(  # (1)
        statement, _read_statement, limit=_SIGNATURE_LIMIT, what=SIGNATURE_FILE
    )
    if key != trusted:  # (2)
        raise Forged(
            f"The models in {folder} are signed by the key {_short(key)}, but only "
            f"{_short(trusted)} is trusted here: get a bundle that this key has signed."
        )
    try:
        trusted.verify(_signed(manifest), signature)  # (3)
    except CryptoError as error:
        raise Forged(
            f"The manifest in {folder} is not the one that was signed: get the bundle again."
        ) from error
    return VerifiedBundle(folder, manifest, trusted, _Made())


def _signed(manifest: bytes) -> bytes:
    return _DOMAIN + sha256(manifest).digest()


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise BundleRefused(
            f"{path.parent} is no model bundle: {path.name} cannot be read ({error.strerror}). "
            "Make one: tallylight model build."
        ) from error
    if len(content) > limit:
        raise TooLarge(f"{path} is longer than {limit} bytes.")
    return content


def _read_statement(fields: Fields) -> tuple[VerifyKey, bytes]:
    return signing_key(fields.hex_bytes("key", 32)), fields.hex_bytes("signature", 64)


def _short(key: VerifyKey) -> str:
    return bytes(key).hex()[:16]
