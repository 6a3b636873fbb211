"""Compare the list that waits for signatures with the last published list; keep the history.

A signer sees what was added, removed and changed. The last list is trusted only if it has the
signatures of two organisations that the policy knows. Without them every entry counts as new, so
that no new entry can be shown as an old one. The history holds no templates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuf.api.metadata import TargetFile, Targets  # type: ignore[attr-defined]  # Re-exports.

from formats.casefile import CASEFILE_LIMIT, CaseFile, read_casefile
from formats.entry import Entry
from formats.errors import FormatError
from formats.organisations import organisation_key
from formats.policy import read_policy
from formats.site_tuf import ORGANISATIONS, casefile_name, signers_of, site_role
from provisioning.disk import write_atomically
from provisioning.errors import ListNotIssued
from provisioning.foreign_file import read_foreign
from provisioning.lists.build import SignedList
from provisioning.site.folder import Site
from provisioning.site.metadata_file import read_metadata
from provisioning.site.policy import last_signed_policy

_HISTORY = "history"


@dataclass(frozen=True, slots=True)
class PublishedList:
    """A published list, as the history keeps it: without its body."""

    case: CaseFile
    organisations: tuple[str, ...]
    """Organisations that signed it, of those whose keys today's policy names."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The differences from one list to the next."""

    since: PublishedList | None
    """The list that is compared with; None for the first list."""
    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    altered: tuple[Entry, ...]
    """In their new form; the handle is the same, and at least one other field differs."""
    kept: tuple[Entry, ...]


def compare_lists(before: PublishedList | None, after: CaseFile) -> Changes:
    """Return the differences between two lists."""
    old = {entry.handle: entry for entry in before.case.entries} if before else {}
    new = {entry.handle for entry in after.entries}
    return Changes(
        since=before,
        added=tuple(entry for entry in after.entries if entry.handle not in old),
        removed=tuple(entry for handle, entry in old.items() if handle not in new),
        altered=tuple(entry for entry in after.entries if old.get(entry.handle, entry) != entry),
        kept=tuple(entry for entry in after.entries if old.get(entry.handle) == entry),
    )


def add_to_history(site: Site, signed: SignedList) -> None:
    """Store case file and signatures of a published list. No template is stored."""
    site.history.mkdir(mode=0o700, exist_ok=True)
    name = f"{signed.case.version:06}"
    write_atomically(site.history / f"{name}.role.json", signed.role.to_bytes())
    write_atomically(site.history / f"{name}.json", signed.casefile)


def read_history(site: Site) -> Sequence[PublishedList]:
    """Return every published list whose case file is the signed one, oldest first.

    Raises:
        SiteRefused: no policy is signed, or a role's metadata is broken.
        ListNotIssued: a case file is broken.
        FileRefused: a file is no plain file, or too large.
    """
    targets, policy = last_signed_policy(site)
    suppliers = read_policy(policy).suppliers
    names = {supplier.sign_key: supplier.organisation for supplier in suppliers}
    found = []
    for path in sorted(site.history.glob("[0-9]*[0-9].json")):
        casefile = read_foreign(site.folder, f"{_HISTORY}/{path.name}", limit=CASEFILE_LIMIT)
        case = _case_of(path, casefile)
        role = read_metadata(site.folder, f"{_HISTORY}/{path.stem}.role.json", Targets)
        name = casefile_name(case.site)
        signed = TargetFile.from_data(name, casefile, ["sha256"])
        if role.signed.targets.get(name) != signed or role.signed.version != case.version:
            continue
        signers = signers_of(targets, role, site_role(case.site))
        found.append(PublishedList(case, tuple(names[key] for key in signers if key in names)))
    return found


def _case_of(path: Path, casefile: bytes) -> CaseFile:
    try:
        return read_casefile(casefile)
    except FormatError as error:
        raise ListNotIssued(f"{path} is broken: remove it. {error}") from error


def last_published(site: Site) -> PublishedList | None:
    """Return the newest list of the history that two organisations have signed."""
    signed = [
        each
        for each in read_history(site)
        if len(set(map(organisation_key, each.organisations))) >= ORGANISATIONS
    ]
    return signed[-1] if signed else None
