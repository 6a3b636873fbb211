"""Manifests of registrations and certificates of wipes on a stick.

The installer of a manifest must be named here, and the chain must go on. A certificate of a wipe
must be signed by an installer who is named here, or whose manifest lies here, as on a laptop.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from formats.counts import counted
from formats.registration_record import MANIFEST_LIMIT
from formats.signed_members import SIGNED_LIMIT
from formats.whole_file import READABLE
from provisioning.disk import write_atomically
from provisioning.errors import CameraRefused, StickRefused
from provisioning.foreign_file import read_foreign
from provisioning.site.folder import Site
from provisioning.site.installers import (
    FOLDER,
    installer_name,
    installers,
    is_installer_of,
    manifest_path,
)
from provisioning.site.registrations import read_of, read_stored
from provisioning.site.wiped import FOLDER as WIPED
from provisioning.site.wiped import read_wiped, wipe_path, wiped_cameras
from provisioning.stick.part import Part, Result


def find_registrations(site: Site, folder: Path) -> Iterator[Part]:
    """Yield each manifest on the stick.

    Raises:
        FileRefused: one is no plain file, or too large.
    """
    named = {installer_name(key): key for key in installers(site)}
    wiped = wiped_cameras(site)
    for path in sorted((folder / FOLDER).glob("*.jsonl")):
        what = f"Registrations of installer {path.stem[:16]}"
        ours = read_stored(site, path.name)
        if path.stem not in named and not ours:  # Made-up names on a stick cost no reading.
            yield Part(Result.REFUSED, f"{what}: the site does not name this installer.")
            continue
        theirs = read_foreign(folder, f"{FOLDER}/{path.name}", limit=MANIFEST_LIMIT)
        if path.stem not in named:
            own = ours == theirs
            sentence = f"{what}: the site does not name this installer."
            yield Part(Result.KNOWN if own else Result.REFUSED, sentence)
            continue
        try:
            found = read_of(theirs, named[path.stem], wiped)
        except CameraRefused as error:
            yield Part(Result.REFUSED, str(error))
            continue
        if found and found[0].hello.site != site.policy.site:
            raise StickRefused(f"{what}: they are of the site {found[0].hello.site}.")
        if theirs == ours:
            yield Part(Result.KNOWN, f"{what}: {counted(len(found), 'camera')}.")
        elif ours.startswith(theirs):
            yield Part(Result.OLDER, f"{what}: there are more here.")
        elif theirs.startswith(ours):
            path_here = manifest_path(site, named[path.stem])
            store = partial(_store, path_here, theirs)
            yield Part(Result.NEW, f"{what}: {counted(len(found), 'camera')}.", store)
        else:
            yield Part(Result.REFUSED, f"{what}: they do not continue those here.")


def find_wiped(site: Site, folder: Path) -> Iterator[Part]:
    """Yield each certificate of a wipe on the stick.

    Raises:
        FileRefused: one is no plain file, or too large.
        FormatError: one is broken.
    """
    for path in sorted((folder / WIPED).glob("*.json")):
        found = read_wiped(folder, path.name)
        to = wipe_path(site, found.camera)
        what = f"Certificate that camera {found.camera.hex()[:8]} was wiped"
        if to.exists():
            yield Part(Result.KNOWN, f"{what}.")
        elif found.site != site.policy.site or not is_installer_of(site, found.installer):
            yield Part(Result.REFUSED, f"{what}: no installer of this site signed it.")
        else:
            content = read_foreign(folder, f"{WIPED}/{path.name}", limit=SIGNED_LIMIT)
            yield Part(Result.NEW, f"{what}.", partial(_store, to, content))


def _store(path: Path, manifest: bytes) -> None:
    path.parent.mkdir(mode=0o755, exist_ok=True)
    write_atomically(path, manifest, mode=READABLE)
