"""What an image trusts from the beginning: the site's root, its nets and their key, broker's CA.

`make image SITE=` puts these files into an image. None of them is a secret. The nets are verified
before they are copied.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from provisioning.errors import SiteRefused
from provisioning.nets.bundles import site_bundle
from provisioning.site.folder import open_site

READABLE: Final = 0o644
ENTERABLE: Final = 0o755


def copy_trusted(site_folder: Path, place: Path) -> None:
    """Copy the files of a site into a folder of an image.

    Args:
        site_folder: the site's folder, with adopted nets.
        place: the folder in the image; `root.json`, `models/`, `models.pub` and, where the site
            folder has the broker's `ca.pem`, `broker-ca.pem` appear in it.

    Raises:
        SiteRefused: this is no site, or its nets are missing or were changed.
    """
    site = open_site(site_folder)
    bundle = site_bundle(site)
    shutil.copytree(bundle.folder, place / "models", dirs_exist_ok=True)
    shutil.copy(site.model_key, place / "models.pub")
    (place / "root.json").write_bytes(site.root)
    authority = site.broker / "ca.pem"
    if authority.is_file():
        shutil.copy(authority, place / "broker-ca.pem")
    for path in place.rglob("*"):
        if path.is_relative_to(place / "models") or path.suffix in {".pub", ".json", ".pem"}:
            path.chmod(ENTERABLE if path.is_dir() else READABLE)


def main() -> int:
    """Copy: `site_files SITE PLACE`. Return 1 where the site is refused."""
    try:
        copy_trusted(Path(sys.argv[1]), Path(sys.argv[2]))
    except SiteRefused as refusal:
        sys.stderr.write(f"Refused: {refusal}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
