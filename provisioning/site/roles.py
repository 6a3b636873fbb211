"""TUF role metadata of a site: make root, targets, delegations, snapshot and timestamp; sign them.

Keys, moments and bytes go in; TUF metadata and files with threshold and expiry come out.
`formats.site_tuf` reads what this module writes. Nothing here reads or writes a disk, and nothing
here decides whether a role may be signed.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, TypeVar

from nacl.signing import VerifyKey
from tuf.api.metadata import (  # type: ignore[attr-defined]  # It re-exports without saying so.
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from formats.casefile import CaseFile, write_casefile
from formats.keyfile import Purpose
from formats.policy import Policy, write_policy
from formats.recipients import Recipients, write_recipients
from formats.signer import Ed25519Signer
from formats.site_keys import SiteKey, SiteSigner
from formats.site_tuf import (
    METADATA_FOLDER,
    ONLINE,
    POLICY_FILE,
    RECIPIENTS_FILE,
    ROOT,
    ROOT_LIFE_S,
    SITE,
    TARGETS,
    TARGETS_FOLDER,
    TARGETS_LIFE_S,
    budget_name,
    casefile_name,
    estate_role,
    sealed_name,
    site_role,
)

AnySigned = TypeVar("AnySigned", Root, Targets, Snapshot, Timestamp)

ROOT_ROLES: Final = (Purpose.ROOT, Purpose.TARGETS, Purpose.SNAPSHOT, Purpose.TIMESTAMP)
"""The roles whose keys a root names. The keys that sign lists are named by the policy."""


def make_root(holders: Mapping[str, Iterable[VerifyKey]], now: datetime) -> Metadata[Root]:
    """Make the first root from the holders of the four top-level roles, by role name."""
    quorums = {"root": ROOT, "targets": TARGETS, "snapshot": ONLINE, "timestamp": ONLINE}
    keys = {role: [SiteKey.of(key) for key in holders[role]] for role in quorums}
    root = Root(
        version=1,
        expires=_end(now, ROOT_LIFE_S),
        keys={key.keyid: key for each in keys.values() for key in each},
        roles={
            role: Role([key.keyid for key in keys[role]], quorum.threshold)
            for role, quorum in quorums.items()
        },
        consistent_snapshot=True,
    )
    return Metadata(root)


def make_targets(policy: Policy, recipients: Recipients, now: datetime) -> Metadata[Targets]:
    """Make what two policy holders sign: policy, recipients, delegations to list and estate."""
    suppliers = [SiteKey.of(supplier.sign_key) for supplier in policy.suppliers]
    role = DelegatedRole(
        name=site_role(policy.site),
        keyids=[key.keyid for key in suppliers],
        threshold=SITE.threshold,
        terminating=True,
        paths=[casefile_name(policy.site), sealed_name(policy.site)],
    )
    estate = SiteKey.of(recipients.ledger_key)
    budget_role = DelegatedRole(
        name=estate_role(policy.site),
        keyids=[estate.keyid],
        threshold=1,
        terminating=True,
        paths=[budget_name(policy.site)],
    )
    files = {POLICY_FILE: write_policy(policy), RECIPIENTS_FILE: write_recipients(recipients)}
    targets = Targets(
        version=policy.version,
        expires=_end(now, TARGETS_LIFE_S),
        targets=_target_files(files),
        delegations=Delegations(
            {key.keyid: key for key in [*suppliers, estate]},
            {each.name: each for each in (role, budget_role)},
        ),
    )
    return Metadata(targets)


def make_list_role(case: CaseFile, sealed: bytes) -> Metadata[Targets]:
    """Make what two organisations sign: case file and sealed body, until the list expires."""
    files = {casefile_name(case.site): write_casefile(case), sealed_name(case.site): sealed}
    expires = datetime.fromtimestamp(case.expires_utc_s, UTC)
    return Metadata(Targets(case.version, None, expires, _target_files(files)))


def make_snapshot(
    version: int,
    targets: Metadata[Targets],
    roles: Mapping[str, Metadata[Targets]],
    end: datetime,
) -> Metadata[Snapshot]:
    """Make the snapshot: the versions of targets and delegated roles that belong to one another."""
    members = {"targets": targets, **roles}
    meta = {f"{name}.json": MetaFile(each.signed.version) for name, each in members.items()}
    return Metadata(Snapshot(version, None, _whole_second(end), meta))


def make_timestamp(snapshot: Metadata[Snapshot], end: datetime) -> Metadata[Timestamp]:
    """Make the timestamp: this snapshot is the newest one, until `end`."""
    version = snapshot.signed.version
    return Metadata(Timestamp(version, None, _whole_second(end), MetaFile(version)))


def sign(metadata: Metadata[AnySigned], key: Ed25519Signer) -> None:
    """Add the signature of `key`."""
    metadata.sign(SiteSigner(key), append=True)


def metadata_file(role: str, metadata: Metadata[AnySigned]) -> tuple[str, bytes]:
    """Return name inside the repository, and content, of a role's metadata."""
    version = "" if role == "timestamp" else f"{metadata.signed.version}."
    return f"{METADATA_FOLDER}/{version}{role}.json", metadata.to_bytes()


def target_file(name: str, content: bytes) -> tuple[str, bytes]:
    """Return name inside the repository, and content, of a target."""
    return f"{TARGETS_FOLDER}/{sha256(content).hexdigest()}.{name}", content


def _end(now: datetime, life_s: int) -> datetime:
    return _whole_second(now + timedelta(seconds=life_s))


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)  # TUF counts whole seconds.


def _target_files(files: Mapping[str, bytes]) -> dict[str, TargetFile]:
    return {name: TargetFile.from_data(name, data, ["sha256"]) for name, data in files.items()}
