"""Roots, the root that waits for signatures, and the policy on a stick: threshold, rollback, merge.

A root counts if enough holders of the root before it and of itself have signed it. A policy that is
newer than the signed one is taken if it is what the drafts here make. If nothing was drafted here
since the last signed version, it is also taken, with its drafts, once enough holders have signed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined]  # Re-exports.

from formats.policy import read_policy
from formats.recipients import read_recipients
from provisioning.disk import write_atomically
from provisioning.errors import SiteRefused, StickRefused
from provisioning.site.folder import Site
from provisioning.site.policy import (
    PolicyFiles,
    drafted_files,
    read_policy_files,
    store_policy_files,
)
from provisioning.site.roles import make_targets
from provisioning.site.rotation import (
    follows,
    newest_root,
    read_root,
    read_rotation,
    store_root,
    store_rotation,
)
from provisioning.site.versions import Versioned, highest_version
from provisioning.stick.merge import merge_signatures, valid_signers
from provisioning.stick.part import Part, Result

_TARGETS: Final = "targets"
_SKEW: Final = timedelta(days=1)
"""A holder's clock may be ahead of the desk's by this much."""


def find_roots(site: Site, folder: Path) -> Iterator[Part]:
    """Yield each root on the stick that is newer than the one that counts here.

    Raises:
        StickRefused: a root is not signed by enough holders, or differs from the one here.
    """
    newest, version = newest_root(site), 1
    while (theirs := read_root(folder, version + 1)) is not None:
        version += 1
        if version > newest.signed.version:
            if not follows(newest, theirs):
                raise StickRefused(f"Root {version}: too few holders have signed it.")
            yield Part(Result.NEW, f"Root {version} counts now.", partial(store_root, site, theirs))
            newest = theirs
        elif (ours := read_root(site.folder, version)) is None or ours.signed != theirs.signed:
            raise StickRefused(f"Root {version}: it differs from the one here.")
    if version < newest.signed.version:
        yield Part(Result.OLDER, f"Root {version}; root {newest.signed.version} counts here.")


def find_rotation(site: Site, folder: Path) -> Iterator[Part]:
    """Yield the signatures of the root that waits for them.

    Raises:
        StickRefused: no root holder has signed it, another one waits here, or roots are missing.
    """
    theirs, before = read_rotation(folder), newest_root(site)
    if theirs is None:
        return
    version, counts = theirs.signed.version, before.signed.version
    what = f"Root {version}, which waits for signatures"
    if version <= counts:
        yield Part(Result.OLDER, f"{what}; root {counts} counts here.")
        return
    if version > counts + 1:
        raise StickRefused(f"{what}: roots before it are missing.")
    ours = read_rotation(site.folder)
    if ours is not None and ours.signed.version != version:
        ours = None  # A rotation that another one has overtaken.
    if ours is not None and ours.signed != theirs.signed:
        raise StickRefused(f"{what}: another root {version} waits here.")
    valid = valid_signers("root", theirs, (before.signed, theirs.signed))
    if ours is None and not valid:
        raise StickRefused(f"{what}: no root holder has signed it.")
    merged = merge_signatures(ours, theirs, valid)
    yield from merged.parts(what, lambda: _store_rotation(site, merged.metadata))


def find_policy(site: Site, folder: Path, now: datetime) -> Iterator[Part]:
    """Yield policy and recipients: further signatures, or a newer version.

    Raises:
        StickRefused: it is not what a holder would be shown, or has another content than here.
    """
    theirs, ours = read_policy_files(folder), read_policy_files(site.folder)
    if theirs is None:
        return
    what = f"Policy, version {theirs.version}"
    here = max(highest_version(site, Versioned.POLICY), ours.version if ours else 0)
    if theirs.version < here:
        yield Part(Result.OLDER, f"{what}; version {here} is here.")
        return
    _refuse_made_otherwise(what, theirs, now)
    root = newest_root(site)
    valid = valid_signers(_TARGETS, theirs.targets, (root.signed,))
    if ours is not None and ours.version == theirs.version:
        if ours.targets.signed != theirs.targets.signed:
            raise StickRefused(f"{what}: another version {theirs.version} is here.")
        merged, adopt = merge_signatures(ours.targets, theirs.targets, valid), False
    else:
        if not valid:
            raise StickRefused(f"{what}: no holder of the policy has signed it.")
        merged, adopt = merge_signatures(None, theirs.targets, valid), not _drafted(site, theirs)
        if adopt:
            _refuse_lost_drafts(site, ours, theirs, root)
    files = PolicyFiles(merged.metadata, theirs.policy, theirs.recipients)
    yield from merged.parts(what, lambda: _store_policy(site, files, adopt=adopt))


def _refuse_made_otherwise(what: str, theirs: PolicyFiles, now: datetime) -> None:
    """Refuse signed metadata that differs from what policy and recipients make."""
    signed = theirs.targets.signed
    wanted = make_targets(read_policy(theirs.policy), read_recipients(theirs.recipients), now)
    lasts_longer = signed.expires > wanted.signed.expires + _SKEW
    wanted.signed.expires = signed.expires
    if lasts_longer or wanted.signed != signed:
        raise StickRefused(f"{what}: what is signed is not what policy and recipients say.")


def _refuse_lost_drafts(
    site: Site, ours: PolicyFiles | None, theirs: PolicyFiles, root: Metadata[Root]
) -> None:
    """Refuse a policy that would replace drafts which this site has not signed."""
    what = f"Policy, version {theirs.version}: it differs from the draft here"
    if ours is None or not _drafted(site, ours):
        raise StickRefused(f"{what}, which was changed since: tallylight give the draft again.")
    try:
        root.verify_delegate(_TARGETS, theirs.targets)
    except RepositoryError as error:
        raise StickRefused(f"{what}, and too few holders have signed it.") from error


def _drafted(site: Site, files: PolicyFiles) -> bool:
    """Return whether the drafts here make these files."""
    try:
        return drafted_files(site, files.version) == (files.policy, files.recipients)
    except SiteRefused:  # The drafts are not complete.
        return False


def _store_rotation(site: Site, root: Metadata[Root]) -> None:
    store_rotation(site, root)


def _store_policy(site: Site, files: PolicyFiles, *, adopt: bool) -> None:
    """Store drafts first: if this is cut short, taking the stick again goes on from there."""
    if adopt:
        write_atomically(site.folder / "policy.json", files.policy)
        site.replace_recipients(read_recipients(files.recipients))
    store_policy_files(site, files)
