"""What an image trusts from the beginning: root, nets and their key, CAs of broker and maker.

`make image SITE=` puts these files into an image, and nothing else of the site's folder. None of
them is a secret: a file that must hold certificates is refused if it holds more. Each net is
compared with the signed manifest while it is copied.
"""

import re
import ssl
import sys
from pathlib import Path
from typing import Final

from formats.errors import Refused
from formats.model_bundle import MANIFEST_FILE, SIGNATURE_FILE
from provisioning.errors import SiteRefused
from provisioning.foreign_file import read_foreign
from provisioning.nets.bundles import site_bundle
from provisioning.site.folder import Site, open_site
from recognition.interpreter import read_net
from recognition.manifest import read_manifest

READABLE: Final = 0o644
ENTERABLE: Final = 0o755
MAKER: Final = "maker.pem"
"""The authority of those who sign update bundles; of this name at the site and in the image."""
CERTIFICATES_LIMIT: Final = 64 * 1024
"""Most bytes of a file of certificates: twenty with RSA keys have about 40,000."""
_CERTIFICATES: Final = re.compile(
    rb"(\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----)+\s*"
)


def copy_trusted(site_folder: Path, place: Path) -> None:
    """Copy the files of a site into a folder of an image.

    Args:
        site_folder: the site's folder, with adopted nets.
        place: the folder in the image; `root.json`, `models/` and `models.pub` appear in it, and
            `broker-ca.pem` and `maker.pem` where the site has these authorities.

    Raises:
        SiteRefused: this is no site, its nets are missing or were changed, or a file that must hold
            certificates holds something else.
        ModelRefused: a net is not the one that the manifest names.
        FileRefused: an authority is a link, too large, or of another kind.
    """
    site = open_site(site_folder)
    (place / "models").mkdir(parents=True, exist_ok=True)
    for name, content in _trusted(site).items():
        (place / name).write_bytes(content)
        (place / name).chmod(READABLE)
    (place / "models").chmod(ENTERABLE)


def _trusted(site: Site) -> dict[str, bytes]:
    """Return what a camera of this site trusts, by its name in the image."""
    bundle = site_bundle(site)
    found = {
        "root.json": site.root,
        "models.pub": bytes(bundle.signer).hex().encode() + b"\n",
        f"models/{MANIFEST_FILE}": bundle.manifest,
        f"models/{SIGNATURE_FILE}": (bundle.folder / SIGNATURE_FILE).read_bytes(),
    }
    for net in read_manifest(bundle.manifest).files:
        found[f"models/{net.file}"] = read_net(bundle.folder, net)
    authorities = {"broker-ca.pem": site.broker / "ca.pem", MAKER: site.folder / MAKER}
    for name, authority in authorities.items():
        if authority.exists():
            found[name] = _certificates(authority)
    return found


def _certificates(path: Path) -> bytes:
    """Return the certificates in a file; refuse a file that holds anything else, such as a key."""
    content = read_foreign(path.parent, path.name, limit=CERTIFICATES_LIMIT)
    try:
        if _CERTIFICATES.fullmatch(content):
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode())
            return content
    except ssl.SSLError:
        pass  # It looks like certificates and is none.
    raise SiteRefused(f"{path} must hold certificates and nothing else: put the authority's there.")


def main() -> int:
    """Copy: `site_files SITE PLACE`. Return 1 where the site is refused."""
    try:
        copy_trusted(Path(sys.argv[1]), Path(sys.argv[2]))
    except Refused as refusal:
        sys.stderr.write(f"Refused: {refusal}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
