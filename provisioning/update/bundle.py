"""A RAUC bundle: build its content from an image, sign it with the maker's key, verify it.

A bundle holds both partitions of a slot, programs and nets together, and a manifest with board and
version. It has RAUC's verity format: what a camera reads of it is verified block by block. The
signature is CMS by a certificate for code signing; `rauc` makes and verifies it.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography import x509

from formats.errors import FormatError
from formats.firmware_offer import BUNDLE_LIMIT, FirmwareOffer, FirmwareVersion, read_version
from formats.whole_file import naming
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import UpdateRefused
from provisioning.foreign_file import open_foreign, read_foreign
from terminal.differences import Item, digest_text, moment_text

MANIFEST: Final = "manifest.raucm"
IMAGES: Final = {"system.img": "system.img", "boot.vfat": "boot.img"}
"""Files of an image folder, and their names in a bundle: RAUC writes a file named .img as it is."""
_COMPATIBLE: Final = "tallylight-"
_FACTS_LIMIT: Final = 64 * 1024
_CHUNK: Final = 1024 * 1024
_SETTINGS: Final = """[system]
compatible=tallylight
bootloader=noop
[keyring]
path={trust}
check-purpose=codesign
"""
"""With these settings RAUC demands a certificate for code signing, as a camera does."""


@dataclass(frozen=True, slots=True)
class BundleContent:
    """What a bundle will hold."""

    board: str
    version: FirmwareVersion
    digests: dict[str, bytes]
    """(32,) SHA-256 of each file, by its name in the bundle."""

    def items(self, certificate: x509.Certificate) -> Sequence[Item]:
        """Return everything that a signature covers, and with which certificate."""
        files = {name: digest_text(digest) for name, digest in self.digests.items()}
        until = moment_text(int(certificate.not_valid_after_utc.timestamp()))
        return [
            Item("This bundle", {"board": self.board, "version": str(self.version)}),
            Item("Its files", files),
            Item("Signed as", {"name": certificate.subject.rfc4514_string(), "valid until": until}),
        ]


def build_content(image: Path, out: Path) -> BundleContent:
    """Copy what a bundle needs from the folder of an image (`make image`) into a new folder.

    Raises:
        UpdateRefused: a file of the image is missing, or image.json says no board and version.
    """
    if out.exists():
        raise UpdateRefused(f"{out} is there already: name a new folder.")
    try:
        facts = json.loads(read_foreign(image, "image.json", limit=_FACTS_LIMIT))
        board, version = str(facts["board"]), read_version(str(facts["version"]))
        with naming(out), atomic_folder(out) as part:
            write_atomically(part / MANIFEST, _manifest(board, version))
            for name, new in IMAGES.items():
                with (
                    open_foreign(image, name, limit=BUNDLE_LIMIT) as source,
                    (part / new).open("xb") as copy,
                ):
                    shutil.copyfileobj(source, copy, _CHUNK)
    except FileNotFoundError as error:
        raise UpdateRefused(f"{image} is no image of a camera: make image BOARD=...") from error
    except (ValueError, TypeError, KeyError, FormatError) as error:
        raise UpdateRefused(f"{image / 'image.json'} says no board and version.") from error
    return read_content(out)


def read_content(folder: Path) -> BundleContent:
    """Return what a folder of `build_content` holds; its files are digested.

    Raises:
        UpdateRefused: the manifest is not as `build_content` writes it, or a file is missing.
    """
    try:
        manifest = read_foreign(folder, MANIFEST, limit=_FACTS_LIMIT).decode("ascii")
        fields = dict(line.split("=", 1) for line in manifest.splitlines() if "=" in line)
        board = fields["compatible"].removeprefix(_COMPATIBLE)
        version = read_version(fields["version"])
        digests = {name: _digest(folder, name) for name in IMAGES.values()}
    except (OSError, ValueError, KeyError, FormatError) as error:
        raise UpdateRefused(
            f"{folder} is no content of a bundle: tallylight update build."
        ) from error
    if manifest.encode() != _manifest(board, version):
        raise UpdateRefused(f"The manifest in {folder} was edited: tallylight update build again.")
    return BundleContent(board, version, digests)


def read_certificate(file: Path) -> x509.Certificate:
    """Return the certificate in a PEM file.

    Raises:
        UpdateRefused: there is none.
    """
    try:
        return x509.load_pem_x509_certificate(read_foreign(file.parent, file.name, limit=64 * 1024))
    except FileNotFoundError as error:
        raise UpdateRefused(f"There is no {file}: name the maker's certificate file.") from error
    except (OSError, ValueError) as error:
        raise UpdateRefused(f"{file} is no certificate in PEM.") from error


def sign_bundle(content: Path, certificate: Path, key: str, out: Path) -> None:
    """Make the signed bundle; `rauc` asks for the key's passphrase or PIN itself.

    Args:
        content: folder of `build_content`.
        certificate: PEM, for code signing.
        key: a PEM file, or a `pkcs11:` URI.
        out: the new file.

    Raises:
        UpdateRefused: `rauc` is missing or refuses.
    """
    if out.exists():
        raise UpdateRefused(f"{out} is there already: name a new file.")
    _rauc(f"--cert={certificate}", f"--key={key}", "bundle", str(content), str(out))


def verify_bundle(file: Path, trust: Path) -> FirmwareOffer:
    """Return what a bundle offers, if a maker that `trust` names has signed it.

    Raises:
        UpdateRefused: it is not signed so, or it is no bundle for a camera.
    """
    try:
        source = open_foreign(file.parent, file.name, limit=BUNDLE_LIMIT)
    except FileNotFoundError as error:
        raise UpdateRefused(f"There is no bundle {file}: tallylight update sign.") from error
    with source:
        digest, size = sha256(), 0
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    read_certificate(trust)
    with TemporaryDirectory() as folder:
        settings = Path(folder) / "system.conf"
        settings.write_text(_SETTINGS.format(trust=trust.resolve()), encoding="utf-8")
        words = (f"--conf={settings}", "info", "--output-format=json", str(file))
        found = json.loads(_rauc(*words))
    if not str(found["compatible"]).startswith(_COMPATIBLE):
        raise UpdateRefused(f"{file} is a bundle for another product.")
    try:
        board = str(found["compatible"]).removeprefix(_COMPATIBLE)
        return FirmwareOffer(board, read_version(str(found["version"])), digest.digest(), size)
    except FormatError as error:
        raise UpdateRefused(f"{file} is no bundle of ours: {error}") from error


def _manifest(board: str, version: FirmwareVersion) -> bytes:
    lines = ["[update]", f"compatible={_COMPATIBLE}{board}", f"version={version}", ""]
    lines += ["[bundle]", "format=verity", ""]
    for name in IMAGES.values():
        lines += [f"[image.{name.removesuffix('.img')}]", f"filename={name}", ""]
    return "\n".join(lines).encode("ascii")


def _digest(folder: Path, name: str) -> bytes:
    digest = sha256()
    with open_foreign(folder, name, limit=BUNDLE_LIMIT) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def _rauc(*words: str) -> bytes:
    try:
        found = subprocess.run(["rauc", *words], capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError as error:
        raise UpdateRefused(
            "rauc is not installed: apt-get install rauc squashfs-tools."
        ) from error
    if found.returncode != 0:
        why = found.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UpdateRefused(f"rauc refuses: {why[-1] if why else 'it says nothing'}.")
    return found.stdout
