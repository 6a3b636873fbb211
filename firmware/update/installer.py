"""Install the update that the site's policy offers: bundle, digest, version floor, RAUC, reboot.

The offer comes from the repository that `watch` accepted, verified here again from its root. A
bundle that is not on the card is asked for: the program `fetch` downloads it (`delivery.wanted`).
The bundle is a file that another user has written: it is copied without following links while its
digest is taken, and the copy is installed. RAUC verifies the maker's signature and writes the slot
that does not run. A version is tried once: when the camera is back in the old one, the same offer
is not taken again. An install that a power cut ended has tried nothing: it is begun again, three
times at most, so that no bundle wears the card out.

It decides nothing about readiness (`firmware.update.readiness`) and talks to no network.
"""

import json
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

from tuf.api.exceptions import DownloadError, RepositoryError

from firmware.config import Config, State
from firmware.delivery.wanted import bundle_name, drop_wanted, write_wanted
from firmware.errors import UpdateRefused
from firmware.folder import Folder
from firmware.trust.accepted import accepted_folder, open_accepted
from firmware.update.image import ThisImage
from firmware.update.version_floor import version_floor
from formats.errors import FormatError
from formats.firmware_offer import BUNDLE_LIMIT, FirmwareOffer, FirmwareVersion
from formats.policy import read_policy
from formats.site_bundle import FILES_LIMIT
from formats.site_tuf import LIMITS, verify_repository

_COPY: Final = "bundle.raucb"
_TRIED: Final = "tried"
_TRIED_LIMIT: Final = 72
_ROOTS: Final = "root_history"
_CHUNK: Final = 1024 * 1024
BEGUN_LIMIT: Final = 3
"""Most installs of one offer that were begun and did not end."""
INSTALL_S: Final = 15 * 60.0
"""Longest time of one install: 600 MiB at 1 MiB/s, the slowest card, take 10 minutes."""

Rauc = Callable[..., bytes]
"""Runs RAUC with these words; returns what it prints; raises `UpdateRefused`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a look for an update."""

    words: str
    """One sentence."""
    reboot: bool = False
    """Whether the other slot is to be tried now."""


def run_rauc(*words: str) -> bytes:
    """Run RAUC; the default of `install_offer`.

    Raises:
        UpdateRefused: RAUC refuses, or does not end.
    """
    try:
        found = subprocess.run(  # noqa: S603  # The image's own program.
            ["/usr/bin/rauc", *words], capture_output=True, check=False, timeout=INSTALL_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UpdateRefused("RAUC does not answer: start the camera again.") from error
    if found.returncode != 0:
        why = found.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UpdateRefused(f"RAUC refuses the bundle: {why[-1][:200] if why else 'no reason'}.")
    return found.stdout


def reboot() -> None:
    """Reboot; the slot that was installed is tried once (slots, set-primary).

    Raises:
        UpdateRefused: systemd refuses.
    """
    command = ["/usr/bin/systemctl", "reboot"]
    if subprocess.run(command, check=False, timeout=60).returncode != 0:  # noqa: S603
        raise UpdateRefused("The camera does not reboot: cut its power for a moment.")


def install_offer(
    config: Config, image: ThisImage, now: datetime, rauc: Rauc = run_rauc
) -> Outcome:
    """Install the offer for this board, if there is one that is not installed yet.

    Raises:
        UpdateRefused: the offer or its bundle is refused; the slot that runs is untouched.
        ForeignFile: the bundle is a link, a FIFO, or of another kind.
    """
    drop_wanted(config.state)
    offer = offer_in_force(config, image.board, now)
    if offer is None:
        return Outcome("The policy in force offers this board no update.")
    if offer.version == image.version:
        return Outcome(f"Version {offer.version} runs, which the policy offers.")
    folder = config.state.update
    refuse_older(offer, version_floor(folder, image.version))
    begun = _begun(folder, offer)
    try:
        with Folder(config.state.bundles) as bundles:
            source = bundles.open(bundle_name(offer), limit=BUNDLE_LIMIT)
    except FileNotFoundError:
        write_wanted(config.state, offer)
        return Outcome(f"Version {offer.version} is offered, and its bundle has not arrived yet.")
    with Folder.made(folder, 0o700) as own:
        try:
            with source, _wanted_if_refused(config.state, offer):
                copy_bundle(source, own, offer)
            path = str(folder / _COPY)
            _refuse_other_manifest(rauc("info", "--output-format=json", path), offer)
            own.replace(_TRIED, f"{offer.digest.hex()} {begun + 1}".encode("ascii"))
            rauc("install", path)
            own.replace(_TRIED, offer.digest.hex().encode("ascii"))
        finally:
            with suppress(FileNotFoundError):
                own.remove(_COPY)
    return Outcome(
        f"Version {offer.version} is installed and is tried at this reboot.", reboot=True
    )


def offer_in_force(config: Config, board: str, now: datetime) -> FirmwareOffer | None:
    """Return the offer for a board in the policy of the last accepted list; None if there is none.

    Raises:
        UpdateRefused: the accepted repository does not verify now, because it has ended.
    """
    try:
        with TemporaryDirectory() as trusted:
            _copy_accepted(config.state.site, Path(trusted))
            site = verify_repository(
                partial(_open_kept, config.state.site),
                Path(trusted),
                root=config.trusted_root.read_bytes(),
                now=now,
            )
            policy = read_policy(site.policy)
    except (RepositoryError, DownloadError, FormatError) as error:
        raise UpdateRefused(
            f"No offer is in force, because the accepted list is refused: {error}"
        ) from error
    offers = [offer for offer in policy.firmware if offer.board == board]
    return offers[0] if offers else None


def copy_bundle(source: BinaryIO, folder: Folder, offer: FirmwareOffer) -> None:
    """Copy a bundle of exactly the offered bytes into a folder of root's own.

    Raises:
        UpdateRefused: the bytes are others; the copy is removed by the caller.
    """
    digest, left = sha256(), offer.size
    with suppress(FileNotFoundError):
        folder.remove(_COPY)
    with (folder.path / _COPY).open("xb") as copy:
        while chunk := source.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            copy.write(chunk)
    if left != 0 or digest.digest() != offer.digest:
        raise UpdateRefused(
            "The bundle is not the one that the policy offers: it is fetched again."
        )


def refuse_older(offer: FirmwareOffer, floor: FirmwareVersion) -> None:
    """Raise unless a version is above the floor's, or is the floor's.

    Raises:
        UpdateRefused: it is older than a version that was ready on this camera.
    """
    if offer.version < floor:
        raise UpdateRefused(
            f"Version {offer.version} is older than {floor}, which was ready on this camera: "
            "offer a newer one."
        )


def _refuse_other_manifest(info: bytes, offer: FirmwareOffer) -> None:
    """Raise unless the manifest that the maker signed says what the holders were shown."""
    try:
        manifest = json.loads(info)
        version, compatible = manifest["version"], manifest["compatible"]
    except (ValueError, TypeError, KeyError) as error:
        raise UpdateRefused("RAUC does not say what the bundle is: bring another.") from error
    if (version, compatible) != (str(offer.version), f"tallylight-{offer.board}"):
        raise UpdateRefused(
            "The bundle is of another version or board than the policy says: offer it anew."
        )


@contextmanager
def _wanted_if_refused(state: State, offer: FirmwareOffer) -> Iterator[None]:
    """Ask for the bundle again if the block finds that its bytes are others."""
    try:
        yield
    except UpdateRefused:
        write_wanted(state, offer)
        raise


def _begun(folder: Path, offer: FirmwareOffer) -> int:
    """Return how many installs of an offer were begun and did not end.

    Raises:
        UpdateRefused: one has ended, so that the offer was tried; or too many did not end.
    """
    try:
        with Folder(folder) as own:
            words = own.read(_TRIED, limit=_TRIED_LIMIT).decode("ascii", "replace").split()
    except FileNotFoundError:
        return 0
    if words[:1] != [offer.digest.hex()]:
        return 0
    if len(words) == 1:
        raise UpdateRefused(
            f"Version {offer.version} was tried on this camera and was not ready: offer another."
        )
    begun = int(words[1]) if words[1].isdecimal() else BEGUN_LIMIT
    if begun >= BEGUN_LIMIT:
        raise UpdateRefused(
            f"The install of version {offer.version} was begun {BEGUN_LIMIT} times and did not "
            "end: offer another."
        )
    return begun


def _copy_accepted(site: Path, to: Path) -> None:
    """Copy the accepted repository, which belongs to `watch`: plain files only, bounded.

    python-tuf looks there for targets and for the roots of rotations, and it writes there.
    """
    with Folder(site / accepted_folder(site).readlink().name) as repository:
        for name, limit in LIMITS.items():
            with repository.folder(name) as part:
                _copy_files(part, to / name, limit)
                found = part.status(_ROOTS)
                if found is not None and stat.S_ISDIR(found.st_mode):
                    with part.folder(_ROOTS) as roots:
                        _copy_files(roots, to / name / _ROOTS, limit)


def _copy_files(folder: Folder, to: Path, limit: int) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for name in folder.names(limit=FILES_LIMIT):
        found = folder.status(name)
        if found is not None and stat.S_ISREG(found.st_mode):
            (to / name).write_bytes(folder.read(name, limit=limit))


def _open_kept(site: Path, name: str) -> BinaryIO:
    return open_accepted(site, name, limit=LIMITS[name.rpartition("/")[0]])
