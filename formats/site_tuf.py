"""TUF roles of a site: keys, thresholds, organisations that sign a list; repository verification.

It names the roles, their thresholds (docs/design.md, section 5), and the expiry of root and
targets. A list lives for `formats.casefile.LIST_LIFE_S`; snapshot and timestamp live for the
policy's `freshness_h`. All keys are of one kind (`formats.site_keys`). `verify_repository` proves
what TUF proves: enough signatures, freshness, no rollback, whole files. It writes files, because
python-tuf keeps its trusted metadata in a folder. It does not decide whether signers, site and list
suit *this* camera: that is `firmware.trust.site_verifier`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from nacl.signing import VerifyKey
from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # Re-exports without saying so.
    Metadata,
    Snapshot,
    TargetFile,
    Targets,
)
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from formats.policy import read_policy
from formats.site_keys import SiteKey
from formats.whole_file import naming

DAY_S: Final = 24 * 3600
"""Seconds of a day."""


@dataclass(frozen=True, slots=True)
class Quorum:
    """A role's number of keys, and its threshold: how many of them must sign."""

    keys: int
    threshold: int


ROOT: Final = Quorum(keys=5, threshold=3)
"""Decides who holds which role. Offline."""
ROOT_LIFE_S: Final = 365 * DAY_S
"""From the moment at which a root is made until it expires."""
TARGETS: Final = Quorum(keys=3, threshold=2)
"""Decides policy, recipients and which organisations may issue lists."""
TARGETS_LIFE_S: Final = 90 * DAY_S
"""From the moment at which policy and recipients are signed until they expire."""
SITE: Final = Quorum(keys=2, threshold=2)
"""Decides the list. At least two keys, and the two that sign are of two organisations."""
ORGANISATIONS: Final = 2
"""Different organisations that must sign a list (docs/design.md, P2)."""
ORGANISATIONS_SENSITIVE: Final = 3
"""The same, when an entry is a minor or vulnerable (docs/design.md, section 5)."""
ONLINE: Final = Quorum(keys=1, threshold=1)
"""Snapshot and timestamp. Both live for the policy's `freshness_h`."""

POLICY_FILE: Final = "policy.json"
"""Target of the targets role."""
RECIPIENTS_FILE: Final = "recipients.json"
"""Target of the targets role."""
METADATA_FOLDER: Final = "metadata"
"""Holds `<version>.<role>.json`, and `timestamp.json`, which is replaced last."""
TARGETS_FOLDER: Final = "targets"
"""Holds `<sha256>.<target>`."""

CONFIG: Final = UpdaterConfig(
    max_root_rotations=32,
    max_delegations=4,
    root_max_length=64 * 1024,
    timestamp_max_length=4 * 1024,
    snapshot_max_length=64 * 1024,
    targets_max_length=256 * 1024,
)
"""Limits far below python-tuf's own: a site's repository is small."""
_FILE_LIMIT: Final = 17 * 1024 * 1024  # The longest sealed body and case file are just over 16 MiB.
LIMITS: Final[Mapping[str, int]] = {
    METADATA_FOLDER: CONFIG.targets_max_length,
    TARGETS_FOLDER: _FILE_LIMIT,
}
"""Bytes of the largest file by the folder that it lies in."""


def site_role(site: str) -> str:
    """Return the name of the delegated role that signs the site's list."""
    return f"site-{site}"


def casefile_name(site: str) -> str:
    """Return the target name of the site's case file."""
    return f"watchlist-{site}.json"


def sealed_name(site: str) -> str:
    """Return the target name of the site's sealed list body."""
    return f"watchlist-{site}.sealed"


def estate_role(site: str) -> str:
    """Return the name of the delegated role with which the estate can stop a camera."""
    return f"estate-{site}"


def budget_name(site: str) -> str:
    """Return the target name of the estate's budget statement."""
    return f"budget-{site}.json"


@dataclass(frozen=True, slots=True)
class SignedSite:
    """A site's repository that TUF has verified."""

    policy: bytes
    recipients: bytes
    casefile: bytes
    sealed: bytes = field(repr=False)
    budget: bytes | None
    """The estate's budget statement; None if it has not made one."""
    version: int
    """Version of the site's role, and so of the list."""
    versions: Mapping[str, int]
    """Of root, targets, site (the site's role), snapshot and timestamp."""
    signers: tuple[VerifyKey, ...]
    """The different keys that validly signed the list."""
    expires_utc_s: int
    """The first moment at which one of the five roles is no longer valid."""


def verify_repository(
    open_file: Callable[[str], BinaryIO], trusted: Path, *, root: bytes, now: datetime
) -> SignedSite:
    """Verify a repository by TUF from `root` down; return the site's files.

    Args:
        open_file: opens a file of the repository by its relative name; FileNotFoundError when
            there is none.
        trusted: folder of the metadata trusted before. It is updated on the way even if a later
            step refuses: give it a copy.
        root: trusted root metadata, from the read-only image.
        now: the moment at which everything must be valid, UTC.

    Raises:
        RepositoryError: TUF refuses; its subclasses say why.
        DownloadError: a file is missing or larger than announced.
        FormatError: the policy, which names the site, cannot be read.
    """
    metadata = trusted / METADATA_FOLDER
    metadata.mkdir(parents=True, exist_ok=True)

    fetch = partial(_fetch, open_file, trusted, root, now)
    policy, recipients = fetch(POLICY_FILE)[0], fetch(RECIPIENTS_FILE)[0]
    site = read_policy(policy).site
    casefile, casefile_info = fetch(casefile_name(site))
    sealed, sealed_info = fetch(sealed_name(site))
    role = _list_role(metadata, site, casefile_info, sealed_info)
    return SignedSite(
        budget=fetch(budget_name(site))[0] if _has_budget(metadata, site) else None,
        policy=policy,
        recipients=recipients,
        casefile=casefile,
        sealed=sealed,
        version=role.signed.version,
        versions=_versions(metadata, site_role(site)),
        signers=signers_of(_read_role(metadata, "targets"), role, site_role(site)),
        expires_utc_s=_first_expiry(metadata, site_role(site)),
    )


def signers_of(
    delegator: Metadata[Targets], role: Metadata[Targets], name: str
) -> tuple[VerifyKey, ...]:
    """Return the different keys of a delegation that have validly signed `role`."""
    result = delegator.signed.get_verification_result(name, role.signed_bytes, role.signatures)
    keys = [key for key in result.signed.values() if isinstance(key, SiteKey)]
    return tuple(key.verify_key for key in keys)


class _FileFetcher(FetcherInterface):
    """Fetches files by name from `open_file`, in place of HTTP."""

    def __init__(self, open_file: Callable[[str], BinaryIO]) -> None:
        self._open_file = open_file

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            with self._open_file(url) as file:
                return iter([file.read(_FILE_LIMIT)])  # A longer file fails TUF's length check.
        except FileNotFoundError as error:
            raise DownloadHTTPError(f"The repository has no file {url}.", 404) from error


def _updater(
    open_file: Callable[[str], BinaryIO], trusted: Path, root: bytes, now: datetime
) -> Updater:
    updater = Updater(
        metadata_dir=str(trusted / METADATA_FOLDER),
        metadata_base_url=METADATA_FOLDER,
        target_dir=str(trusted / TARGETS_FOLDER),
        target_base_url=TARGETS_FOLDER,
        fetcher=_FileFetcher(open_file),
        config=CONFIG,
        bootstrap=root,
    )
    # python-tuf reads the wall clock itself and takes no time as an argument; the camera's trusted
    # clock is not always the wall clock. A test fails when python-tuf renames this attribute.
    trusted_set = updater._trusted_set  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    trusted_set.reference_time = now
    return updater


def _fetch(
    open_file: Callable[[str], BinaryIO], trusted: Path, root: bytes, now: datetime, name: str
) -> tuple[bytes, TargetFile]:
    with naming(trusted):  # python-tuf keeps files there.
        # A fresh client for every target, so that no delegation is served from another's cache.
        updater = _updater(open_file, trusted, root, now)
        info = updater.get_targetinfo(name)
        if info is None:
            raise RepositoryError(f"The repository has no signed target {name}.")
        path = updater.find_cached_target(info) or updater.download_target(info)
        return Path(path).read_bytes(), info


def _list_role(metadata: Path, site: str, *files: TargetFile) -> Metadata[Targets]:
    role = _read_role(metadata, site_role(site))
    if role.signed.targets != {file.path: file for file in files}:
        raise RepositoryError("The list was not signed by the site's own role, or not alone.")
    return role


def _has_budget(metadata: Path, site: str) -> bool:
    snapshot = Metadata[Snapshot].from_file(str(metadata / "snapshot.json")).signed
    return f"{estate_role(site)}.json" in snapshot.meta


def _read_role(metadata: Path, role: str) -> Metadata[Targets]:
    path = metadata / f"{role}.json"
    if not path.exists():
        raise RepositoryError(f"The role {role} has signed nothing.")
    return Metadata[Targets].from_bytes(path.read_bytes())


def _versions(metadata: Path, site: str) -> dict[str, int]:
    roles = {"root": "root", "targets": "targets", "site": site}
    roles |= {"snapshot": "snapshot", "timestamp": "timestamp"}
    files = {role: str(metadata / f"{name}.json") for role, name in roles.items()}
    return {role: Metadata.from_file(file).signed.version for role, file in files.items()}


def _first_expiry(metadata: Path, site: str) -> int:
    roles = ("root", "timestamp", "snapshot", "targets", site)
    files = (str(metadata / f"{role}.json") for role in roles)
    return min(int(Metadata.from_file(file).signed.expires.timestamp()) for file in files)
