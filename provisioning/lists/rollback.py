"""Rollback: refuse to publish what is older than before, or what brings a removed person back.

A memory stick or a backup can put an older list, policy or root into the site's folder, with good
signatures. Cameras that have seen the newer one refuse it and are dark (`WL_ROLLBACK`). Cameras
that have not seen it would search for a person who was removed. So the desk refuses first. It
compares with `versions.json`, with the history, with the published repository and with the entries.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from formats.casefile import CaseFile
from formats.entry import Entry
from formats.site_tuf import METADATA_FOLDER
from provisioning.errors import ListNotIssued
from provisioning.lists.build import last_version, published_versions
from provisioning.lists.kept_entries import entry_handles
from provisioning.site.folder import Site


def refuse_older_list(site: Site, case: CaseFile) -> None:
    """Raise if a newer list was built, taken in or published here.

    Raises:
        ListNotIssued: there was a newer one.
    """
    highest = last_version(site)
    if case.version < highest:
        raise ListNotIssued(
            f"The list in signed/ is version {case.version}, and version {highest} was built: "
            "tallylight take the newer one from its stick, or build and sign again."
        )


def refuse_older_publication(site: Site, version: int) -> None:
    """Raise if a newer list was published than the one in `published/`.

    Raises:
        ListNotIssued: there was a newer one.
    """
    highest = max(published_versions(site), default=0)
    if version < highest:
        raise ListNotIssued(
            f"The folder published/ holds version {version} of the list, and version {highest} was "
            "published: tallylight list publish."
        )


def refuse_removed_people(site: Site, case: CaseFile, now: datetime) -> None:
    """Raise if a person on the list has left the desk's entries before their own end.

    Raises:
        ListNotIssued: there is such a person.
    """
    for entry in removed_people(site, case, now):
        raise ListNotIssued(
            f"Entry {entry.handle.hex()} is on this list and was removed since: build, sign "
            "and publish a new list."
        )


def removed_people(site: Site, case: CaseFile, now: datetime) -> Sequence[Entry]:
    """Return every entry of a list that has left the desk's entries before its own end."""
    kept, now_s = entry_handles(site), int(now.timestamp())
    return [each for each in case.entries if each.handle not in kept and each.is_live(now_s)]


def refuse_older_roles(site: Site, files: Mapping[str, bytes]) -> None:
    """Raise if a root, policy, list or statement in `files` is older than the published one.

    Raises:
        ListNotIssued: one is older, or is not there any more.
    """
    published = {path.name for path in (site.published / METADATA_FOLDER).glob("*.json")}
    before, after = role_versions(published), role_versions(Path(name).name for name in files)
    for role, version in before.items():
        if after.get(role, 0) < version:
            raise ListNotIssued(
                f"Version {version} of {role} is published, and this folder holds version "
                f"{after.get(role, 0)}: tallylight take the newer one, or sign it again."
            )


def role_versions(names: Iterable[str]) -> dict[str, int]:
    """Return the newest version of each role, from names such as `2.root.json`."""
    versions: dict[str, int] = {}
    for name in names:
        version, _, role = name.removesuffix(".json").partition(".")
        if version.isdecimal():
            versions[role] = max(versions.get(role, 0), int(version))
    return versions
