"""Model bundles: signed here, adopted by a site, and the only nets that a site's desk sees through.

`build_bundle` lets a bundle appear only after it has been loaded as a camera will load it. A site
adopts one bundle together with the key that it trusts; whatever the desk does with nets afterwards
verifies that signature anew.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Final

from nacl.signing import VerifyKey

from formats.errors import FormatError
from formats.keyfile import read_public_key
from formats.model_bundle import (
    MANIFEST_FILE,
    SIGNATURE_FILE,
    VerifiedBundle,
    sign_manifest,
    verify_bundle,
)
from formats.signer import Ed25519Signer
from provisioning.disk import whole_folder, write_whole
from provisioning.errors import ModelsRefused, SiteRefused
from provisioning.site.folder import Site
from recognition.eye import Eye
from recognition.interpreter import read_net
from recognition.manifest import Manifest, read_manifest

_READABLE: Final = 0o644
_ENTERABLE: Final = 0o755
"""Nothing in a bundle is secret: whoever sees faces on a camera must read it, and is not root."""


def read_unverified(folder: Path) -> Manifest:
    """What the manifest in a folder says, whoever wrote it.

    Raises:
        ModelRefused: it is not what a manifest must be.
        OSError: there is none.
    """
    return read_manifest((folder / MANIFEST_FILE).read_bytes())


def build_bundle(
    folder: Path, source: Path, key: Ed25519Signer, evaluation: Path | None
) -> VerifiedBundle:
    """Sign the models in `source` and put them into the new folder `folder`.

    Args:
        folder: the bundle to be.
        source: folder with nets and a calibrated manifest.
        key: whose word cameras shall take for these nets.
        evaluation: JSON of models/evaluate for these nets, named in the manifest by its digest.

    Raises:
        ModelsRefused: the folder is not empty, or the evaluation is of other nets.
        ModelRefused: the models are not what a camera could run.
        OSError: a file cannot be read.
    """
    refuse_occupied(folder)
    content = (source / MANIFEST_FILE).read_bytes()
    manifest = read_manifest(content)
    if evaluation is not None:
        content += _evaluated(manifest, evaluation)
    with whole_folder(folder) as part:
        part.chmod(_ENTERABLE)
        write_whole(part / MANIFEST_FILE, content, mode=_READABLE)
        write_whole(part / SIGNATURE_FILE, sign_manifest(content, key), mode=_READABLE)
        _copy_nets(manifest, source, part)
        Eye.load(verify_bundle(part, key.verify_key))  # As a camera will.
    return verify_bundle(folder, key.verify_key)


def adopt(site: Site, folder: Path, trusted: VerifyKey) -> Manifest:
    """Make a bundle the one through which a site's people are enrolled; its cameras get the same.

    Raises:
        FormatError: the folder is no bundle, or the trusted key has not signed it.
        ModelRefused: the models are not what a camera could run.
    """
    bundle = verify_bundle(folder, trusted)
    manifest = read_manifest(bundle.manifest)
    with whole_folder(site.models.parent) as part:
        own = part / site.models.name
        own.mkdir()
        write_whole(own / MANIFEST_FILE, bundle.manifest, mode=_READABLE)
        signature = (folder / SIGNATURE_FILE).read_bytes()
        write_whole(own / SIGNATURE_FILE, signature, mode=_READABLE)
        _copy_nets(manifest, folder, own)
        Eye.load(verify_bundle(own, trusted))
        public = bytes(trusted).hex() + "\n"
        write_whole(part / site.model_key.name, public.encode(), mode=_READABLE)
    return manifest


def site_bundle(site: Site) -> VerifiedBundle:
    """The bundle that the site has adopted, verified anew.

    Raises:
        SiteRefused: the site has none, or it has been changed.
    """
    if not site.model_key.exists():
        raise SiteRefused("The site has no nets yet: tallylight model adopt.")
    try:
        return verify_bundle(site.models, VerifyKey(read_public_key(site.model_key)))
    except FormatError as error:
        raise SiteRefused(f"The site's nets are refused: {error}") from error


def refuse_occupied(folder: Path) -> None:
    """Do nothing if a new folder may appear here.

    Raises:
        ModelsRefused: something is there already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelsRefused(f"{folder} is not empty: name a new folder.")


def _copy_nets(manifest: Manifest, source: Path, part: Path) -> None:
    for net in manifest.files:
        write_whole(part / net.file, read_net(source, net), mode=_READABLE)


def _evaluated(manifest: Manifest, path: Path) -> bytes:
    """The lines of the manifest that name an evaluation."""
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
