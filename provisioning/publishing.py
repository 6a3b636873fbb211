"""The published repository: made fresh, checked from its root, then handed to the cameras' inboxes.

Everything but `timestamp.json` carries its version or digest in its name, so new files are put
beside the old ones and the timestamp last: a camera that reads in between sees the old repository,
whole. Publishing again without a new list renews the freshness of the old one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from nacl.signing import SigningKey
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Metadata, Timestamp  # type: ignore[attr-defined]  # Re-exports.

from formats.casefile import CaseFile, read_casefile
from formats.policy import Policy, read_policy
from formats.recipients import Recipients, read_recipients
from formats.site_tuf import (
    METADATA_FOLDER,
    POLICY_FILE,
    RECIPIENTS_FILE,
    casefile_name,
    collect,
    sealed_name,
    site_role,
)
from provisioning.disk import whole_folder, write_whole
from provisioning.errors import ListRefused
from provisioning.lists import SignedList, open_list
from provisioning.policies import signed_policy
from provisioning.roles import make_snapshot, make_timestamp, metadata_file, sign, target_file
from provisioning.site import Site

_TIMESTAMP: Final = f"{METADATA_FOLDER}/timestamp.json"


@dataclass(frozen=True, slots=True)
class Publication:
    """What a published repository says, once it has been verified from its root."""

    policy: Policy
    recipients: Recipients
    case: CaseFile
    digest: bytes
    """(32,) SHA-256 of the case file: the list's digest in every ledger."""
    organisations: tuple[str, ...]
    """Which have signed the list."""
    expires: datetime
    """UTC; without a newer publication, cameras are dark from then on."""


def publish(
    site: Site,
    *,
    snapshot_key: SigningKey,
    timestamp_key: SigningKey,
    inboxes: Sequence[Path],
    now: datetime,
) -> Publication:
    """Publish the signed list and put it into every inbox.

    Raises:
        SiteRefused, ListRefused: policy or list are not signed by enough people, or have expired.
    """
    signed = open_list(site)
    if len(signed.organisations) < signed.needed:
        raise ListRefused(
            f"{len(signed.organisations)} of {signed.needed} different organisations have signed "
            "the list: tallylight list sign."
        )
    files = _files(site, signed, snapshot_key, timestamp_key, now)
    with whole_folder(site.published) as part:
        for name, content in files.items():
            (part / name).parent.mkdir(exist_ok=True)
            write_whole(part / name, content)
        publication = inspect(part, site.root, now)
    for inbox in inboxes:
        _install(files, inbox)
    return publication


def inspect(repository: Path, root: bytes, now: datetime) -> Publication:
    """What a repository says to a camera that trusts `root`.

    Raises:
        ListRefused: it does not verify.
        FormatError: a file in it is broken.
    """
    with TemporaryDirectory() as trusted:
        try:
            found = collect(
                lambda name: (repository / name).open("rb"), Path(trusted), root=root, now=now
            )
        except (RepositoryError, DownloadError) as error:
            raise ListRefused(f"The repository does not verify: {error}.") from error
    policy = read_policy(found.policy)
    names = {supplier.sign_key: supplier.organisation for supplier in policy.suppliers}
    return Publication(
        policy=policy,
        recipients=read_recipients(found.recipients),
        case=read_casefile(found.casefile),
        digest=sha256(found.casefile).digest(),
        organisations=tuple(names.get(key, "nobody the policy knows") for key in found.signers),
        expires=datetime.fromtimestamp(found.expires_utc_s, UTC),
    )


def _files(
    site: Site,
    signed: SignedList,
    snapshot_key: SigningKey,
    timestamp_key: SigningKey,
    now: datetime,
) -> Mapping[str, bytes]:
    """Every file of the repository by its relative name; the timestamp comes last."""
    targets, policy, recipients = signed_policy(site)
    role = site_role(signed.case.site)
    version, end = _last_version(site) + 1, now + timedelta(hours=read_policy(policy).freshness_h)
    snapshot = make_snapshot(version, targets, signed.role, role, end)
    sign(snapshot, snapshot_key)
    timestamp = make_timestamp(snapshot, end)
    sign(timestamp, timestamp_key)
    return dict(
        [
            (f"{METADATA_FOLDER}/1.root.json", site.root),
            metadata_file("targets", targets),
            metadata_file(role, signed.role),
            metadata_file("snapshot", snapshot),
            target_file(POLICY_FILE, policy),
            target_file(RECIPIENTS_FILE, recipients),
            target_file(casefile_name(signed.case.site), signed.casefile),
            target_file(sealed_name(signed.case.site), signed.sealed),
            metadata_file("timestamp", timestamp),
        ]
    )


def _last_version(site: Site) -> int:
    path = site.published / _TIMESTAMP
    return Metadata[Timestamp].from_file(str(path)).signed.version if path.exists() else 0


def _install(files: Mapping[str, bytes], inbox: Path) -> None:
    for name, content in files.items():
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(inbox / name, content, mode=0o644)  # Another user reads it on the camera.
    for path in inbox.glob("*/*"):
        if path.relative_to(inbox).as_posix() not in files:
            path.unlink()
