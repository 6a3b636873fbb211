"""The camera's verifier: TUF signatures, rollback, policy and list, in nine numbered rules.

Only a list that passes may be searched. The rules, in the order in which the code enforces them,
here and, where they concern the files alone, in `firmware.trust.watchlist`:

(0) Work on a copy of what was trusted before. It replaces the original only when every rule holds,
    so a refused update changes nothing and the last good list runs until its own end.
(1) TUF, from the root in the read-only image: every role has its threshold of signatures (quorum),
    is fresh and not rolled back; every file is whole; the list comes from the site's own role.
(2) Nothing is below the floors (`firmware.trust.floors`): no version of any role, and not the
    clock, which does not stand before the moment at which the list was signed, either. The time is
    saved with every list that TUF proves, accepted or refused. It is never saved beyond the end
    that the site signed. A clock that is set back later does not bring an ended list back.
(3) The policy names this camera, and the assessment behind it is not overdue for review.
(4) Every signer of the list is a supplier named by the policy, and two different organisations
    signed; three, if an entry is a minor or vulnerable.
(5) The case file is for this site, this version, this policy and this model; it has not expired,
    keeps to the cap, and every entry has a supplier and a category that the policy names.
(6) The body is the one that the case file names, sealed by a supplier, opens with this camera's
    key, and has exactly one template for each picture of the case file, in its order.
(7) Only entries that are live now are handed on; `entry` refuses an entry that lapses later.
(8) The estate has not said that this camera broke its budget for being wrong.

No network and no clock is touched here: a folder and a moment are passed in.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from tuf.api import exceptions as tuf

from firmware.errors import FloorsBroken, ForeignFile
from firmware.folder import Folder
from firmware.trust.accepted import accepted_folder, is_empty, open_accepted, replace_accepted
from firmware.trust.floors import Floors, floors_of, raise_floors, read_floors
from firmware.trust.watchlist import ListRefused, Refusal, ThisCamera, Watchlist, accept_list
from formats.budget import read_statement
from formats.errors import FormatError
from formats.site_tuf import LIMITS, SignedSite, verify_repository


def verify_site(
    inbox: Path, metadata: Path, trusted_root: bytes, *, camera: ThisCamera, now: datetime
) -> Watchlist:
    """Return the list in `inbox`, if all rules of this module hold; keep it in `metadata`.

    Args:
        inbox: folder with a published repository, as courier or memory stick left it.
        metadata: this camera's own folder, where only this module writes.
        trusted_root: root metadata from the read-only image.
        camera: the camera this runs on.
        now: a moment in UTC from a clock that is trusted.

    Raises:
        ListRefused: a rule does not hold; nothing has changed.
    """
    with _replacement(metadata) as copy:  # (0)
        floors = floors_of(metadata)
        site = _prove(partial(_open_inbox, inbox), copy, trusted_root, floors, now)
        watchlist = accept_list(site, camera, now)
        # Before the list itself: a power cut in between leaves the camera stricter, not laxer.
        raise_floors(floors, Floors(versions=site.versions))
    # (8) After it was kept: removing the statement later does not allow the camera to look again.
    _check_budget(site, camera)
    return watchlist


def verify_accepted(
    metadata: Path, trusted_root: bytes, *, camera: ThisCamera, now: datetime
) -> Watchlist:
    """Return the last list that `verify_site` accepted, verified anew from its first byte.

    Raises:
        ListRefused: there is none, or a rule no longer holds.
    """
    try:
        trusted, none_yet = accepted_folder(metadata), is_empty(metadata)
    except FloorsBroken as error:
        raise ListRefused(Refusal.FLOORS, str(error)) from error
    if none_yet:
        raise ListRefused(Refusal.MISSING, "This camera has not accepted a list yet.")
    floors = floors_of(metadata)
    site = _prove(partial(_open_kept, metadata), trusted, trusted_root, floors, now)
    _check_budget(site, camera)
    return accept_list(site, camera, now)


def refusal_of(error: Exception) -> Refusal:
    """Return the code, for the ledger, of an error that a repository was refused with."""
    codes = (code for kind, code in _REFUSALS if isinstance(error, kind))
    return next(codes, Refusal.FORM)


@contextmanager
def _replacement(metadata: Path) -> Generator[Path]:
    try:
        with replace_accepted(metadata) as copy:
            yield copy
    except FloorsBroken as error:
        raise ListRefused(Refusal.FLOORS, str(error)) from error


def _open_inbox(inbox: Path, name: str) -> BinaryIO:
    """Open a file that the courier wrote, without following it."""
    folder, _, file = name.rpartition("/")
    with Folder(inbox) as repository, repository.folder(folder) as part:
        return part.open(file, limit=LIMITS[folder])


def _open_kept(metadata: Path, name: str) -> BinaryIO:
    return open_accepted(metadata, name, limit=LIMITS[name.rpartition("/")[0]])


def _check_budget(site: SignedSite, camera: ThisCamera) -> None:
    try:
        stopped = site.budget is not None and read_statement(site.budget).stops(camera.camera_id)
    except FormatError as error:
        raise ListRefused(Refusal.FORM, f"The estate's statement is refused: {error}") from error
    if stopped:
        raise ListRefused(
            Refusal.BUDGET,
            "This camera's confirmed false alarms have broken the policy's budget: change its "
            "place or the policy, then let the estate clear it.",
        )


def _check_floors(site: SignedSite, folder: Path, now: datetime) -> None:
    try:
        floors = read_floors(folder)  # (2)
    except FloorsBroken as error:
        raise ListRefused(Refusal.FLOORS, str(error)) from error
    for role, version in site.versions.items():
        if version < floors.versions.get(role, 0):
            why = f"Version {version} of {role} is older than what this camera has accepted."
            raise ListRefused(Refusal.ROLLBACK, why)
    if now.timestamp() < floors.utc_s:
        raise ListRefused(Refusal.CLOCK, "The camera's clock stands before a time it already had.")


def _prove(
    open_file: Callable[[str], BinaryIO], trusted: Path, root: bytes, floors: Path, now: datetime
) -> SignedSite:
    """Return the site that passes rules (1) and (2); save the time with it."""
    try:
        site = verify_repository(open_file, trusted, root=root, now=now)  # (1)
    except (tuf.RepositoryError, tuf.DownloadError, FormatError) as error:
        if isinstance(error, tuf.ExpiredMetadataError):
            _save_end(open_file, trusted, root, floors, now)
        foreign = error.__cause__
        if isinstance(foreign, ForeignFile):
            raise ListRefused(refusal_of(foreign), str(foreign)) from error
        why = f"The site's repository is refused: {error}"
        raise ListRefused(refusal_of(error), why) from error
    _check_floors(site, floors, now)  # (2)
    _save_time(site, floors, now)
    return site


def _save_end(
    open_file: Callable[[str], BinaryIO], trusted: Path, root: bytes, floors: Path, now: datetime
) -> None:
    """Save the end of a repository that has ended, if all else about it is proven."""
    with suppress(tuf.RepositoryError, tuf.DownloadError, FormatError, FloorsBroken):
        ended = verify_repository(open_file, trusted, root=root, now=_BEFORE_ANY_END)
        _save_time(ended, floors, now)


def _save_time(site: SignedSite, floors: Path, now: datetime) -> None:
    raise_floors(floors, Floors(min(int(now.timestamp()), site.expires_utc_s)))


_BEFORE_ANY_END: Final = datetime.fromtimestamp(0, UTC)
_REFUSALS: Final = (
    (ForeignFile, Refusal.FILE),
    (FloorsBroken, Refusal.FLOORS),
    (tuf.ExpiredMetadataError, Refusal.EXPIRED),
    (tuf.BadVersionNumberError, Refusal.ROLLBACK),
    (tuf.UnsignedMetadataError, Refusal.SIG),
    (tuf.LengthOrHashMismatchError, Refusal.ALTERED),
    (tuf.DownloadLengthMismatchError, Refusal.ALTERED),
    (tuf.DownloadError, Refusal.MISSING),
    (OSError, Refusal.MISSING),
)
