"""Unpublished changes: what was changed at the desk and has not reached the cameras yet.

A person who was removed is searched for until a new list is published; a policy, a reviewer or a
camera that was taken out counts until then, too. What is published is read from the published
repository; nothing here proves a signature.
"""

from collections.abc import Iterator
from datetime import datetime

from formats.casefile import CaseFile, read_casefile
from formats.errors import Refused
from formats.site_tuf import METADATA_FOLDER, TARGETS_FOLDER, casefile_name
from provisioning.lists.kept_entries import kept_entries
from provisioning.lists.rollback import removed_people, role_versions
from provisioning.site.folder import Site
from provisioning.site.policy import signed_policy
from provisioning.site.rotation import newest_root

_NEXT = "tallylight list build, then sign and publish"


def waiting_changes(site: Site, now: datetime) -> Iterator[str]:
    """Yield a sentence for each change that is not published yet, with what to do.

    Raises:
        EntryRefused: an entry's file is broken.
        SiteRefused: a root is not signed by enough holders.
        FormatError: the published case file is broken.
    """
    yield from removed_changes(site, now)
    case = _published_case(site)
    published = role_versions(path.name for path in (site.published / METADATA_FOLDER).glob("*"))
    yield from _policy_change(site, published.get("targets", 0))
    root = newest_root(site).signed.version
    if case and published.get("root", 0) < root:
        yield f"Root {root} counts here, and no camera has it: tallylight list publish."
    listed = {entry.handle: entry for entry in case.entries} if case else {}
    for entry in (kept.entry for kept in kept_entries(site)):
        if entry.is_live(int(now.timestamp())) and entry != listed.get(entry.handle):
            what = "reviewed here alone" if entry.handle in listed else "not searched for yet"
            yield f"Entry {entry.handle.hex()} is {what}: {_NEXT}."


def removed_changes(site: Site, now: datetime) -> Iterator[str]:
    """Yield a sentence for each person who was removed and is on the published list.

    Raises:
        FormatError: the published case file is broken.
    """
    case = _published_case(site)
    for entry in removed_people(site, case, now) if case else ():
        name = entry.handle.hex()
        yield f"Entry {name} was removed, and cameras still search for it: {_NEXT}."


def _policy_change(site: Site, published: int) -> Iterator[str]:
    try:
        targets, _, _ = signed_policy(site)
    except Refused as error:
        yield str(error)
        return
    version = targets.signed.version
    if 0 < published < version:
        yield f"Version {version} of the policy is signed, and no camera has it: {_NEXT}."


def _published_case(site: Site) -> CaseFile | None:
    """Return the published case file; None if nothing is published."""
    name = casefile_name(site.policy.site)
    for path in (site.published / TARGETS_FOLDER).glob(f"*.{name}"):
        return read_casefile(path.read_bytes())
    return None
