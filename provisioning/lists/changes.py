"""What changes from the last published list to the one that waits for signatures.

Whoever signs must see it in plain words. What was there before is believed only if it still carries
the signatures of two organisations that the policy knows: otherwise everybody counts as new, so
that nobody can be hidden among those who were there already.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined]  # Re-exports.

from formats.casefile import CaseFile, read_casefile
from formats.entry import Entry
from formats.site_tuf import ORGANISATIONS, casefile_name, signers_of, site_role
from provisioning.disk import write_whole
from provisioning.lists.build import SignedList
from provisioning.site.folder import Site
from provisioning.site.policy import signed_policy


@dataclass(frozen=True, slots=True)
class Published:
    """A list that was published, as the history keeps it: without its body."""

    case: CaseFile
    organisations: tuple[str, ...]
    """Which signed it, as far as the policy of today knows their keys."""


@dataclass(frozen=True, slots=True)
class Changes:
    """From one list to the next."""

    since: Published | None
    """What is compared with; nothing for the first list."""
    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    altered: tuple[Entry, ...]
    """As they shall be; handle and template may be the same, something said of them is not."""
    kept: tuple[Entry, ...]


def changes(before: Published | None, after: CaseFile) -> Changes:
    """Everything that differs."""
    old = {entry.handle: entry for entry in before.case.entries} if before else {}
    new = {entry.handle for entry in after.entries}
    return Changes(
        since=before,
        added=tuple(entry for entry in after.entries if entry.handle not in old),
        removed=tuple(entry for handle, entry in old.items() if handle not in new),
        altered=tuple(entry for entry in after.entries if old.get(entry.handle, entry) != entry),
        kept=tuple(entry for entry in after.entries if old.get(entry.handle) == entry),
    )


def remember(site: Site, signed: SignedList) -> None:
    """Keep what was published: who was on it, by handle, why, and who signed. No template."""
    site.history.mkdir(exist_ok=True)
    name = f"{signed.case.version:06}"
    write_whole(site.history / f"{name}.role.json", signed.role.to_bytes())
    write_whole(site.history / f"{name}.json", signed.casefile)


def history(site: Site) -> Sequence[Published]:
    """Every published list whose files belong together, oldest first."""
    targets, _, _ = signed_policy(site)
    names = {supplier.sign_key: supplier.organisation for supplier in site.policy.suppliers}
    found = []
    for path in sorted(site.history.glob("[0-9]*[0-9].json")):
        casefile = path.read_bytes()
        case = read_casefile(casefile)
        role = Metadata[Targets].from_file(str(path.with_suffix(".role.json")))
        info = role.signed.targets.get(casefile_name(case.site))
        if info is None or role.signed.version != case.version:
            continue
        info.verify_length_and_hashes(casefile)
        signers = signers_of(targets, role, site_role(case.site))
        found.append(Published(case, tuple(names[key] for key in signers if key in names)))
    return found


def last_published(site: Site) -> Published | None:
    """The newest list of the history that two organisations have signed."""
    signed = [one for one in history(site) if len(set(one.organisations)) >= ORGANISATIONS]
    return signed[-1] if signed else None
