"""The site's signed repository, verified by TUF: policy, reviewers, and every list ever seen.

The repository is verified from its root, as on a camera. An expired repository still names the
reviewers of the events that wait; `lapsed` says when it expired, and cameras are dark since. Case
files are stored, because "was I on a list?" must have an answer after the list has ended. They hold
no name and no biometrics. Every version of policy and recipients is stored with its signatures, so
that an outsider can check who was a reviewer when a verdict was given.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Row, String, Table, select
from tuf.api.exceptions import DownloadError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Metadata, Timestamp  # type: ignore[attr-defined]  # Re-exports.

from estate.errors import SiteRefused
from estate.store.insert_once import insert_once
from estate.store.ledger import METADATA, append_record
from formats.casefile import CaseFile, read_casefile
from formats.entry import Entry
from formats.envelope import sender_id
from formats.errors import FormatError
from formats.ledger import Happening
from formats.policy import Policy, read_policy
from formats.recipients import Recipients, Reviewer, read_recipients
from formats.site_tuf import (
    METADATA_FOLDER,
    POLICY_FILE,
    RECIPIENTS_FILE,
    TARGETS_FOLDER,
    SignedSite,
    verify_repository,
)

LISTS: Final = Table(
    "lists",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("met_utc_ms", BigInteger, nullable=False),
    Column("casefile", LargeBinary, nullable=False),
    Column("policy", LargeBinary, nullable=False),
)
SITE_FILES: Final = Table(
    "site_files",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
CHANGED: Final = (
    "The store holds a list, or a file of the site, that was changed: keep the store as evidence."
)
_SITE_FILE: Final = re.compile(
    r"metadata/[0-9]+\.root\.json|metadata/[0-9a-f]{64}\.targets\.json"
    r"|targets/[0-9a-f]{64}\.(policy|recipients)\.json"
)


@dataclass(frozen=True, slots=True)
class VerifiedSite:
    """The newest policy, recipients and case file, verified from the site's root."""

    policy: Policy
    policy_digest: bytes
    """(32,) SHA-256 of the policy file."""
    recipients: Recipients
    recipients_digest: bytes
    """(32,) SHA-256 of the recipients file."""
    case: CaseFile
    digest: bytes
    """(32,) SHA-256 of the case file."""
    files: tuple[bytes, bytes]
    """Case file and policy, as they were signed."""
    proof: Mapping[str, bytes]
    """What proves policy and recipients to an outsider, by its name in exported books: every root
    from the trusted one on, the targets role, and the two files."""
    lapsed: datetime | None
    """When the repository expired, if it has: cameras are dark since."""

    @property
    def reviewers(self) -> Mapping[bytes, Reviewer]:
        """Reviewers who may give verdicts, by the `sender_id` of their verdict keys."""
        return {sender_id(each.verdict_key): each for each in self.recipients.reviewers}


def read_site(folder: Path, trusted_root: Path, now: datetime) -> VerifiedSite:
    """Return what the repository in `folder` says, verified from the root.

    Raises:
        SiteRefused: a signature, a file or the root is missing or does not hold.
    """
    try:
        root = trusted_root.read_bytes()
        try:
            (found, proof), lapsed = _verify(folder, root, now), None
        except ExpiredMetadataError:
            lapsed = _end_of(folder)
            found, proof = _verify(folder, root, lapsed - timedelta(seconds=1))
        return VerifiedSite(
            policy=read_policy(found.policy),
            policy_digest=sha256(found.policy).digest(),
            recipients=read_recipients(found.recipients),
            recipients_digest=sha256(found.recipients).digest(),
            case=read_casefile(found.casefile),
            digest=sha256(found.casefile).digest(),
            files=(found.casefile, found.policy),
            proof=proof,
            lapsed=lapsed,
        )
    except (RepositoryError, DownloadError, FormatError) as error:
        raise SiteRefused(f"The site's repository in {folder} is refused: {error}") from error


def store_list(connection: Connection, site: VerifiedSite) -> None:
    """Store the list, its policy and the recipients once, with a record in the ledger for each."""
    casefile, policy = site.files
    row = {"digest": site.digest, "met_utc_ms": time.time_ns() // 1_000_000}
    new_list = insert_once(connection, LISTS, row | {"casefile": casefile, "policy": policy})
    new_files = {
        name
        for name, content in site.proof.items()
        if insert_once(connection, SITE_FILES, {"name": name, "content": content})
    }
    if not new_list and not any(name.endswith(f".{RECIPIENTS_FILE}") for name in new_files):
        return
    body: dict[str, int | str] = {
        "version": site.case.version,
        "digest": site.digest.hex(),
        "policy_digest": site.policy_digest.hex(),
        "recipients_digest": site.recipients_digest.hex(),
        "entries": len(site.case.entries),
    }
    append_record(connection, Happening.LIST_ACCEPTED, body)


def stored_site_files(connection: Connection) -> dict[str, bytes]:
    """Return every root, targets role, policy and recipients file that was ever stored, by name.

    Raises:
        SiteRefused: a row has another name: it was not stored by `store_list`.
    """
    rows = connection.execute(select(SITE_FILES.c.name, SITE_FILES.c.content)).all()
    if not all(_SITE_FILE.fullmatch(name) for name, _ in rows):
        raise SiteRefused(
            "The store holds a file of the site under a name that no site has: keep the store as "
            "evidence."
        )
    return {name: bytes(content) for name, content in rows}


def stored_recipients(connection: Connection) -> dict[int, Recipients]:
    """Return every version of the recipients that was ever stored, by version (key epoch).

    A row whose content is not what its name says is left out: its recipients were never met.
    """
    named = SITE_FILES.c.name.like(f"{TARGETS_FOLDER}/%.{RECIPIENTS_FILE}")
    rows = connection.execute(select(SITE_FILES).where(named))
    found = [_read_recipients_once(bytes(row.content)) for row in rows if _is_named(row)]
    return {recipients.version: recipients for recipients in found}


def _is_named(row: Row[tuple[str, bytes]]) -> bool:
    """Return whether a target in the store has the digest in its name."""
    return bool(row.name.split("/")[1].split(".")[0] == sha256(row.content).hexdigest())


@lru_cache(maxsize=64)
def _read_recipients_once(content: bytes) -> Recipients:
    """Read recipients: every event needs them, and to check 128 keys takes 10 ms."""
    return read_recipients(content)


def stored_lists(connection: Connection) -> list[tuple[CaseFile, Policy]]:
    """Return every list that was ever stored, oldest first, each with its policy.

    Raises:
        SiteRefused: a row holds another list than its digest says, or none.
    """
    query = select(LISTS).order_by(LISTS.c.met_utc_ms)
    return [
        (_stored_case(row.digest, row.casefile), _stored_policy(row.policy))
        for row in connection.execute(query)
    ]


def find_entry(connection: Connection, list_digest: bytes, handle: bytes) -> Entry | None:
    """Return the entry in the list that the camera searched; None if the list is not stored.

    Raises:
        SiteRefused: the list's row holds another list than its digest says.
    """
    query = select(LISTS.c.casefile).where(LISTS.c.digest == list_digest)
    found = connection.execute(query).scalar()
    if found is None:
        return None
    return _stored_case(list_digest, found).entries.by_handle(handle)


def _stored_case(digest: bytes, content: bytes) -> CaseFile:
    """Return the list in a row, if it is the one that the row names."""
    if sha256(content).digest() != digest:
        raise SiteRefused(CHANGED)
    return read_casefile(content)


def _stored_policy(content: bytes) -> Policy:
    try:
        return read_policy(content)
    except FormatError as error:
        raise SiteRefused(CHANGED) from error


def _verify(folder: Path, root: bytes, now: datetime) -> tuple[SignedSite, dict[str, bytes]]:
    with TemporaryDirectory() as trusted:
        found = verify_repository(
            lambda name: (folder / name).open("rb"), Path(trusted), root=root, now=now
        )
        return found, _proof(Path(trusted) / METADATA_FOLDER, found)


def _proof(metadata: Path, found: SignedSite) -> dict[str, bytes]:
    """Return what python-tuf has verified: roots by their version, other files by their digest."""
    roots = (metadata / "root_history").glob("*.root.json")
    proof = {f"{METADATA_FOLDER}/{path.name}": path.read_bytes() for path in roots}
    for folder, name, content in (
        (METADATA_FOLDER, "targets.json", (metadata / "targets.json").read_bytes()),
        (TARGETS_FOLDER, POLICY_FILE, found.policy),
        (TARGETS_FOLDER, RECIPIENTS_FILE, found.recipients),
    ):
        proof[f"{folder}/{sha256(content).hexdigest()}.{name}"] = content
    return proof


def _end_of(folder: Path) -> datetime:
    """Return when the timestamp expires, the first role to do so; the caller verifies it then."""
    path = folder / METADATA_FOLDER / "timestamp.json"
    expires = Metadata[Timestamp].from_file(str(path)).signed.expires
    return expires.replace(tzinfo=UTC)
