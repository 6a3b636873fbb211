"""What the site has signed, as the estate sees it: policy, reviewers, and every list it ever met.

The repository is proven from its root by TUF, as on a camera. A repository that has run out since
still says who may review what is waiting; that it ran out is said, and cameras are dark by then.
Case files hold no name and no biometrics; they are kept in the store, because "was I on a list?"
must have an answer after the list is gone.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, select
from tuf.api.exceptions import DownloadError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Metadata, Timestamp  # type: ignore[attr-defined]  # Re-exports.

from estate.errors import SiteRefused
from estate.store.insert_once import insert_once
from estate.store.ledger import METADATA, append
from formats.casefile import CaseFile, read_casefile
from formats.entry import Entry
from formats.envelope import sender_id
from formats.errors import FormatError
from formats.ledger import Happening
from formats.policy import Policy, read_policy
from formats.recipients import Recipients, Reviewer, read_recipients
from formats.site_tuf import METADATA_FOLDER, SignedSite, verify_repository

LISTS: Final = Table(
    "lists",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("met_utc_ms", BigInteger, nullable=False),
    Column("casefile", LargeBinary, nullable=False),
    Column("policy", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class SiteNow:
    """The newest of what the site has signed."""

    policy: Policy
    policy_digest: bytes
    """(32,) SHA-256 of the policy file."""
    recipients: Recipients
    case: CaseFile
    digest: bytes
    """(32,) SHA-256 of the case file."""
    files: tuple[bytes, bytes]
    """Case file and policy, as they were signed."""
    lapsed: datetime | None
    """When the repository ran out, if it has: cameras are dark since."""

    @property
    def reviewers(self) -> Mapping[bytes, Reviewer]:
        """Who may give verdicts, by the `sender_id` of their verdict keys."""
        return {sender_id(each.verdict_key): each for each in self.recipients.reviewers}


def read_site(folder: Path, trusted_root: Path, now: datetime) -> SiteNow:
    """What the repository in `folder` says, proven from the root.

    Raises:
        SiteRefused: a signature, a file or the root is missing or does not hold.
    """
    try:
        root = trusted_root.read_bytes()
        try:
            found, lapsed = _prove(folder, root, now), None
        except ExpiredMetadataError:
            lapsed = _end_of(folder)
            found = _prove(folder, root, lapsed - timedelta(seconds=1))
        return SiteNow(
            policy=read_policy(found.policy),
            policy_digest=sha256(found.policy).digest(),
            recipients=read_recipients(found.recipients),
            case=read_casefile(found.casefile),
            digest=sha256(found.casefile).digest(),
            files=(found.casefile, found.policy),
            lapsed=lapsed,
        )
    except (RepositoryError, DownloadError, FormatError) as error:
        raise SiteRefused(f"The site's repository in {folder} is refused: {error}") from error


def remember(connection: Connection, site: SiteNow) -> None:
    """Keep the case file and its policy for later questions, once, and say so in the ledger."""
    casefile, policy = site.files
    row = {"digest": site.digest, "met_utc_ms": time.time_ns() // 1_000_000}
    if not insert_once(connection, LISTS, row | {"casefile": casefile, "policy": policy}):
        return
    body: dict[str, int | str] = {
        "version": site.case.version,
        "digest": site.digest.hex(),
        "policy_digest": site.policy_digest.hex(),
        "entries": len(site.case.entries),
    }
    append(connection, Happening.LIST_ACCEPTED, body)


def lists(connection: Connection) -> list[tuple[CaseFile, Policy]]:
    """Every list that was ever met, oldest first, each with the policy met beside it."""
    query = select(LISTS.c.casefile, LISTS.c.policy).order_by(LISTS.c.met_utc_ms)
    return [
        (read_casefile(bytes(case)), read_policy(bytes(policy)))
        for case, policy in connection.execute(query)
    ]


def entry_of(connection: Connection, list_digest: bytes, handle: bytes) -> Entry | None:
    """The entry in the very list that was searched; None if that list was never met."""
    query = select(LISTS.c.casefile).where(LISTS.c.digest == list_digest)
    found = connection.execute(query).scalar()
    if found is None:
        return None
    return read_casefile(bytes(found)).entries.by_handle(handle)


def _prove(folder: Path, root: bytes, now: datetime) -> SignedSite:
    with TemporaryDirectory() as trusted:
        return verify_repository(
            lambda name: (folder / name).open("rb"), Path(trusted), root=root, now=now
        )


def _end_of(folder: Path) -> datetime:
    """When the timestamp runs out: always the first of all; believed only once it verifies."""
    path = folder / METADATA_FOLDER / "timestamp.json"
    expires = Metadata[Timestamp].from_file(str(path)).signed.expires
    return expires.replace(tzinfo=UTC)
