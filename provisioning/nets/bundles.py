"""Model bundles: sign nets into a bundle, adopt a bundle for a site, verify the adopted bundle.

`build_bundle` loads a bundle as a camera does before the bundle appears in its folder. A site
adopts one bundle together with the public key that it trusts. The desk uses no other nets, and
verifies the signature before each use. Nets are neither trained nor evaluated here.
"""

import json
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from formats.errors import FormatError
from formats.keyfile import Purpose
from formats.model_bundle import (
    MANIFEST_FILE,
    SIGNATURE_FILE,
    VerifiedBundle,
    sign_manifest,
    verify_bundle,
)
from formats.public_key_file import read_public_key
from formats.public_keys import signing_key
from formats.signer import Ed25519Signer
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import ModelsRefused, SiteRefused
from provisioning.site.folder import Site
from recognition.eye import Eye
from recognition.interpreter import read_net
from recognition.manifest import Manifest, read_manifest

MODELS: Final = Path(__file__).parents[2] / "models"
"""The nets that came with this program; they are not signed."""

_READABLE: Final = 0o644
_ENTERABLE: Final = 0o755
"""A bundle holds no secret. The camera's `watch` must read it, and does not run as root."""


def read_unverified(folder: Path) -> Manifest:
    """Return the manifest in a folder, without verifying a signature.

    Raises:
        ModelRefused: the manifest is broken.
        OSError: there is none.
    """
    return read_manifest((folder / MANIFEST_FILE).read_bytes())


def manifest_to_sign(source: Path, evaluation: Path | None = None) -> bytes:
    """Return the manifest in `source`, with the evaluation named by its digest.

    Args:
        source: folder with nets and a calibrated manifest.
        evaluation: JSON of models/evaluate for these nets.

    Raises:
        ModelsRefused: the evaluation is of other nets.
        ModelRefused: the manifest is broken.
        OSError: a file cannot be read.
    """
    content = (source / MANIFEST_FILE).read_bytes()
    manifest = read_manifest(content)
    return content if evaluation is None else content + _evaluation_lines(manifest, evaluation)


def build_bundle(folder: Path, source: Path, key: Ed25519Signer, content: bytes) -> VerifiedBundle:
    """Sign the manifest that was shown, and put it with its nets into the new folder `folder`.

    Args:
        folder: the new bundle.
        source: folder with the nets.
        key: the key that vouches for these nets.
        content: of the manifest, from `manifest_to_sign`.

    Raises:
        ModelsRefused: the folder is not empty.
        ModelRefused: a camera could not run these models.
        OSError: a file cannot be read.
    """
    refuse_occupied(folder)
    with atomic_folder(folder) as part:
        part.chmod(_ENTERABLE)
        write_atomically(part / MANIFEST_FILE, content, mode=_READABLE)
        write_atomically(part / SIGNATURE_FILE, sign_manifest(content, key), mode=_READABLE)
        _copy_nets(read_manifest(content), source, part)
        Eye.load(verify_bundle(part, key.verify_key))  # As a camera will.
    return verify_bundle(folder, key.verify_key)


def adopt_bundle(site: Site, bundle: VerifiedBundle) -> Manifest:
    """Copy a bundle and its trusted key into a site: people are enrolled with it, cameras run it.

    Raises:
        FormatError: the signature file was changed since the bundle was verified.
        ModelRefused: a camera could not run these models.
    """
    manifest, trusted = read_manifest(bundle.manifest), bundle.signer
    with atomic_folder(site.models.parent) as part:
        copy = part / site.models.name
        copy.mkdir(mode=_ENTERABLE)
        write_atomically(copy / MANIFEST_FILE, bundle.manifest, mode=_READABLE)
        signature = (bundle.folder / SIGNATURE_FILE).read_bytes()
        write_atomically(copy / SIGNATURE_FILE, signature, mode=_READABLE)
        _copy_nets(manifest, bundle.folder, copy)
        Eye.load(verify_bundle(copy, trusted))
        public = bytes(trusted).hex() + "\n"
        write_atomically(part / site.model_key.name, public.encode(), mode=_READABLE)
    return manifest


def remove_bundle(site: Site) -> bytes:
    """Remove the bundle that the site has adopted; return its model digest, (32,).

    Raises:
        SiteRefused: the site has none.
    """
    if not site.models.exists():
        raise SiteRefused("The site has no nets: there is nothing to remove.")
    digest = read_unverified(site.models).model_digest
    with TemporaryDirectory(dir=site.folder, prefix=".model.") as gone:
        site.models.parent.replace(Path(gone) / "model")  # At once: no half of it is left.
    return digest


def site_bundle(site: Site) -> VerifiedBundle:
    """Verify and return the bundle that the site has adopted.

    Raises:
        SiteRefused: the site has none, or it was changed since.
    """
    if not site.model_key.exists():
        raise SiteRefused("The site has no nets yet: tallylight model adopt.")
    try:
        trusted = read_public_key(site.model_key, Purpose.MODEL)
        return verify_bundle(site.models, signing_key(trusted.public))
    except FormatError as error:
        raise SiteRefused(f"The site's nets are refused: {error}") from error


def refuse_occupied(folder: Path) -> None:
    """Raise unless a new folder can be made here.

    Raises:
        ModelsRefused: there is a file, or a folder that is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelsRefused(f"{folder} is not empty: name a new folder.")


def _copy_nets(manifest: Manifest, source: Path, part: Path) -> None:
    for net in manifest.files:
        write_atomically(part / net.file, read_net(source, net), mode=_READABLE)


def _evaluation_lines(manifest: Manifest, path: Path) -> bytes:
    """Return the lines of a manifest that name an evaluation by its digest."""
    content = path.read_bytes()
    try:
        json.loads(content)
    except ValueError as error:
        raise ModelsRefused(f"{path} is not the JSON that models/evaluate writes.") from error
    if manifest.evaluation_digest is not None:
        raise ModelsRefused("The manifest names an evaluation already: remove one of the two.")
    if manifest.embedder.net.digest.hex().encode() not in content:
        raise ModelsRefused(f"{path} is the evaluation of another embedder: run models/evaluate.")
    return f'\n[evaluation]\nsha256 = "{sha256(content).hexdigest()}"\n'.encode()
