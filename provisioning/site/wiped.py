"""Cameras that were wiped: their certificates of a wipe in the site's folder, each verified.

    wiped/CAMERA.json    signed by an installer (formats.wipe_certificate)
    wiped/CAMERA.pdf     the same to print

A wiped camera has new keys when it is registered again, so its old id stays wiped for good.
"""

from pathlib import Path
from typing import Final

from formats.errors import FormatError
from formats.signed_members import SIGNED_LIMIT
from formats.wipe_certificate import WipeCertificate, read_wipe_certificate
from provisioning.errors import ProvisioningError
from provisioning.foreign_file import read_foreign
from provisioning.site.folder import Site
from provisioning.site.installers import is_installer_of

FOLDER: Final = "wiped"


def wipe_path(site: Site, camera: bytes) -> Path:
    """Return the path of a camera's certificate."""
    return site.folder / FOLDER / f"{camera.hex()}.json"


def read_wiped(folder: Path, name: str) -> WipeCertificate:
    """Return the certificate in a site's folder, which may be on a stick.

    Raises:
        FormatError: it is none, its signature does not hold, or it is another camera's.
        FileRefused: it is no plain file, or too large.
        FileNotFoundError: there is none.
    """
    content = read_foreign(folder, f"{FOLDER}/{name}", limit=SIGNED_LIMIT)
    found = read_wipe_certificate(content)
    if name != f"{found.camera.hex()}.json":
        raise FormatError(f"{FOLDER}/{name} is the certificate of another camera.")
    return found


def wiped_cameras(site: Site) -> frozenset[bytes]:
    """Return the id of each camera that an installer of the site has wiped.

    A file that is broken, or that another key signed, counts for nothing.
    """
    found = set()
    for path in sorted((site.folder / FOLDER).glob("*.json")):
        try:
            certificate = read_wiped(site.folder, path.name)
        except (FormatError, ProvisioningError):
            continue
        if certificate.site == site.policy.site and is_installer_of(site, certificate.installer):
            found.add(certificate.camera)
    return frozenset(found)
