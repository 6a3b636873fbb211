"""The installers of a site: whose records the desk believes, and the names of their files.

installers/INSTALLER.pub         whose records the desk believes
registrations/INSTALLER.jsonl    their manifests (provisioning.site.registrations)
"""

from pathlib import Path
from typing import Final

from nacl.signing import VerifyKey

from formats.hexadecimal import read_hex
from formats.public_keys import signing_key
from provisioning.disk import write_atomically
from provisioning.errors import CameraRefused
from provisioning.foreign_file import read_foreign
from provisioning.site.folder import Site

FOLDER: Final = "registrations"
INSTALLERS: Final = "installers"
_KEY_LIMIT: Final = 128
_NAME_BYTES: Final = 8


def installer_name(key: VerifyKey) -> str:
    """Return the name of an installer's files: the first 16 hexadecimal digits of the key."""
    return bytes(key).hex()[: 2 * _NAME_BYTES]


def manifest_path(site: Site, installer: VerifyKey) -> Path:
    """Return the path of an installer's manifest."""
    return site.folder / FOLDER / f"{installer_name(installer)}.jsonl"


def is_installer_of(site: Site, key: VerifyKey) -> bool:
    """Return whether the site names this installer, or holds a manifest of theirs."""
    named = site.folder / INSTALLERS / f"{installer_name(key)}.pub"
    return named.is_file() or manifest_path(site, key).is_file()


def name_installer(site: Site, key: VerifyKey) -> None:
    """Believe the records that an installer signs from now on."""
    folder = site.folder / INSTALLERS
    folder.mkdir(mode=0o755, exist_ok=True)
    write_atomically(folder / f"{installer_name(key)}.pub", bytes(key).hex().encode() + b"\n")


def take_out_installer(site: Site, key: VerifyKey) -> None:
    """Believe no record of an installer any more, as after a laptop was stolen.

    Raises:
        CameraRefused: the site does not name this installer.
    """
    path = site.folder / INSTALLERS / f"{installer_name(key)}.pub"
    if not path.exists():
        raise CameraRefused(f"The site names no installer {installer_name(key)}.")
    path.unlink()


def installers(site: Site) -> list[VerifyKey]:
    """Return the installers whose records the desk believes.

    Raises:
        FormatError: a file is broken.
        FileRefused: a file is of another kind.
    """
    names = sorted(path.name for path in (site.folder / INSTALLERS).glob("*.pub"))
    texts = (read_foreign(site.folder, f"{INSTALLERS}/{one}", limit=_KEY_LIMIT) for one in names)
    return [signing_key(read_hex(text.decode("ascii", "replace").strip(), 32)) for text in texts]
