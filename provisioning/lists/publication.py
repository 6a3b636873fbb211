"""Publish the list as a TUF repository: make it, verify it from its root, copy it into inboxes.

Every file but `timestamp.json` has its version or digest in its name. New files are put beside the
old ones, and the timestamp comes last: a camera that reads in between sees the whole old
repository. Snapshot and timestamp expire after the policy's `freshness_h`. `renew_freshness` signs
new ones for the published list. It needs the online keys alone and works while a new list waits for
signatures, so a timer can run it. A repository that does not verify is not published.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # Re-exports.
    Metadata,
    Targets,
    Timestamp,
)

from formats.budget import BUDGET_LIMIT
from formats.casefile import CaseFile, read_casefile
from formats.policy import Policy, read_policy
from formats.recipients import Recipients, read_recipients
from formats.signer import Ed25519Signer
from formats.site_bundle import write_bundle
from formats.site_tuf import (
    METADATA_FOLDER,
    POLICY_FILE,
    RECIPIENTS_FILE,
    TARGETS_FOLDER,
    budget_name,
    casefile_name,
    estate_role,
    sealed_name,
    site_role,
    verify_repository,
)
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import ListNotIssued
from provisioning.foreign_file import read_foreign
from provisioning.lists.build import open_list
from provisioning.lists.changes import add_to_history
from provisioning.lists.rollback import (
    refuse_older_list,
    refuse_older_publication,
    refuse_older_roles,
    refuse_removed_people,
)
from provisioning.lists.snapshot_items import snapshot_items
from provisioning.site.folder import Site
from provisioning.site.metadata_file import read_metadata
from provisioning.site.policy import signed_policy
from provisioning.site.roles import make_snapshot, make_timestamp, metadata_file, sign, target_file
from provisioning.site.rotation import root_files
from provisioning.site.versions import Versioned, highest_version, note_version
from terminal.differences import Item

_TIMESTAMP: Final = f"{METADATA_FOLDER}/timestamp.json"


@dataclass(frozen=True, slots=True)
class Publication:
    """The content of a published repository that was verified from its root."""

    policy: Policy
    recipients: Recipients
    case: CaseFile
    digest: bytes
    """(32,) SHA-256 of the case file: the list's digest in every ledger."""
    organisations: tuple[str, ...]
    """The organisations that have signed the list."""
    expires: datetime
    """UTC. Without a newer publication, cameras are dark from then on."""


@dataclass(frozen=True, slots=True)
class OnlineKeys:
    """The keys of the roles snapshot and timestamp."""

    snapshot: Ed25519Signer = field(repr=False)
    timestamp: Ed25519Signer = field(repr=False)


Unlock: TypeAlias = Callable[[Sequence[Item]], OnlineKeys]
"""Is given all that will be signed; shows it, and returns the keys."""


@dataclass(frozen=True, slots=True)
class RepositoryContent:
    """The signed roles of a repository, and the files that they name."""

    targets: Metadata[Targets]
    role: Metadata[Targets]
    """The site's own role."""
    files: Mapping[str, bytes] = field(repr=False)
    """Targets by name."""


def publish_list(
    site: Site,
    *,
    online: Unlock,
    inboxes: Sequence[Path],
    now: datetime,
) -> Publication:
    """Publish the signed list and put it into every inbox.

    Args:
        site: the site.
        online: shows what is signed and unlocks the online keys, once all else is in order.
        inboxes: folders to put the repository into.
        now: the moment from which the freshness counts.

    Raises:
        SiteRefused: the policy is not signed by enough holders.
        ListNotIssued: the list is not signed by enough organisations, is older than another one
            that was built or published, brings back a removed person, or a role has expired.
    """
    signed = open_list(site)
    refuse_older_list(site, signed.case)
    refuse_removed_people(site, signed.case, now)
    if len(signed.organisations) < signed.needed:
        raise ListNotIssued(
            f"{len(signed.organisations)} of {signed.needed} different organisations have signed "
            "the list: tallylight list sign."
        )
    targets, policy, recipients = signed_policy(site)
    content = RepositoryContent(
        targets=targets,
        role=signed.role,
        files={
            POLICY_FILE: policy,
            RECIPIENTS_FILE: recipients,
            casefile_name(signed.case.site): signed.casefile,
            sealed_name(signed.case.site): signed.sealed,
        },
    )
    publication = _publish(site, content, online, inboxes, now)
    add_to_history(site, signed)
    return publication


def renew_freshness(
    site: Site, *, online: Unlock, inboxes: Sequence[Path], now: datetime
) -> Publication:
    """Sign a new snapshot and timestamp for the published list, and publish it again.

    The arguments are those of `publish_list`.

    Raises:
        ListNotIssued: nothing is published, a newer list was published, or it cannot be renewed
            because it has expired.
    """
    if not (site.published / _TIMESTAMP).exists():
        raise ListNotIssued("Nothing is published yet: tallylight list publish.")
    name = site_role(site.policy.site)
    targets, role = _published_role(site, "targets"), _published_role(site, name)
    refuse_older_publication(site, role.signed.version)
    signed = {**targets.signed.targets, **role.signed.targets}
    files = {
        target: (site.published / TARGETS_FOLDER / f"{info.hashes['sha256']}.{target}").read_bytes()
        for target, info in signed.items()
    }
    return _publish(site, RepositoryContent(targets, role, files), online, inboxes, now)


def published_bundle(site: Site) -> bytes:
    """Return the published repository as one message for the broker.

    Raises:
        ListNotIssued: nothing is published.
        TooLarge: it does not fit one message.
    """
    files = {
        path.relative_to(site.published).as_posix(): path.read_bytes()
        for path in site.published.glob("*/*")
    }
    if _TIMESTAMP not in files:
        raise ListNotIssued("Nothing is published yet: tallylight list publish.")
    return write_bundle(files)


def verify_publication(repository: Path, root: bytes, now: datetime) -> Publication:
    """Verify a repository as a camera does that trusts `root`.

    Raises:
        ListNotIssued: it does not verify.
        FormatError: a file in it is broken.
    """
    with TemporaryDirectory() as trusted:
        try:
            found = verify_repository(
                lambda name: (repository / name).open("rb"), Path(trusted), root=root, now=now
            )
        except (RepositoryError, DownloadError) as error:
            raise ListNotIssued(
                f"The repository does not verify: {str(error).rstrip('.')}."
            ) from error
    policy = read_policy(found.policy)
    names = {supplier.sign_key: supplier.organisation for supplier in policy.suppliers}
    return Publication(
        policy=policy,
        recipients=read_recipients(found.recipients),
        case=read_casefile(found.casefile),
        digest=sha256(found.casefile).digest(),
        organisations=tuple(names.get(key, "an unknown organisation") for key in found.signers),
        expires=datetime.fromtimestamp(found.expires_utc_s, UTC),
    )


def _publish(
    site: Site,
    content: RepositoryContent,
    online: Unlock,
    inboxes: Sequence[Path],
    now: datetime,
) -> Publication:
    for inbox in inboxes:
        if inbox.exists() and not inbox.is_dir():
            raise ListNotIssued(f"{inbox} is no folder: name a folder with --to.")
    version = _last_version(site) + 1
    files = _files(site, content, online, version, now)
    refuse_older_roles(site, files)
    with atomic_folder(site.published) as part:
        for name, data in files.items():
            (part / name).parent.mkdir(mode=0o755, exist_ok=True)
            write_atomically(part / name, data)
        publication = verify_publication(part, site.root, now)
        note_version(site, Versioned.SNAPSHOT, version)
    for inbox in inboxes:
        _copy_to_inbox(files, inbox)
    return publication


def _files(
    site: Site, content: RepositoryContent, online: Unlock, version: int, now: datetime
) -> Mapping[str, bytes]:
    """Return every file of the repository by its relative name; the timestamp comes last."""
    policy = read_policy(content.files[POLICY_FILE])
    role = site_role(policy.site)
    end = now + timedelta(hours=policy.freshness_h)
    budget = _budget_statement(site, policy.site)
    roles = {role: content.role, **({estate_role(policy.site): budget[0]} if budget else {})}
    snapshot = make_snapshot(version, content.targets, roles, end)
    keys = online(snapshot_items(snapshot.signed))
    sign(snapshot, keys.snapshot)
    timestamp = make_timestamp(snapshot, end)
    sign(timestamp, keys.timestamp)
    return dict(
        [
            *_roots(site),
            metadata_file("targets", content.targets),
            *(metadata_file(name, each) for name, each in roles.items()),
            *([target_file(budget_name(policy.site), budget[1])] if budget else []),
            metadata_file("snapshot", snapshot),
            *(target_file(name, data) for name, data in content.files.items()),
            metadata_file("timestamp", timestamp),
        ]
    )


def _budget_statement(site: Site, name: str) -> tuple[Metadata[Targets], bytes] | None:
    """Return the estate's budget statement, if it has put one into the folder `estate`."""
    folder = site.folder / "estate"
    if not (folder / f"{estate_role(name)}.json").exists():
        return None
    statement = read_foreign(folder, budget_name(name), limit=BUDGET_LIMIT)
    return read_metadata(folder, f"{estate_role(name)}.json", Targets), statement


def _published_role(site: Site, role: str) -> Metadata[Targets]:
    (path,) = (site.published / METADATA_FOLDER).glob(f"*.{role}.json")
    return Metadata[Targets].from_file(str(path))


def _roots(site: Site) -> list[tuple[str, bytes]]:
    return [(f"{METADATA_FOLDER}/{n}.root.json", root) for n, root in root_files(site).items()]


def _last_version(site: Site) -> int:
    path = site.published / _TIMESTAMP
    published = Metadata[Timestamp].from_file(str(path)).signed.version if path.exists() else 0
    return max(published, highest_version(site, Versioned.SNAPSHOT))


def _copy_to_inbox(files: Mapping[str, bytes], inbox: Path) -> None:
    for name, content in files.items():
        (inbox / name).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_atomically(inbox / name, content, mode=0o644)  # Another user reads it on the camera.
    for path in inbox.glob("*/*"):
        if path.relative_to(inbox).as_posix() not in files:
            path.unlink()
