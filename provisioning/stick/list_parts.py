"""The list and the estate's budget statement on a stick: signatures, rollback, merge.

A list counts if an organisation of the signed policy has signed it. It is compared with the highest
version that was ever built here. A statement counts if the estate's key in the signed policy has
signed it. No entry and no template comes from a stick.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined]  # Re-exports.

from formats.budget import BUDGET_LIMIT
from formats.casefile import read_casefile
from formats.site_tuf import budget_name, estate_role, site_role
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import SiteRefused, StickRefused
from provisioning.foreign_file import read_foreign
from provisioning.lists.build import (
    SignedList,
    last_version,
    read_signed_casefile,
    read_signed_list,
    store_list,
)
from provisioning.site.folder import Site
from provisioning.site.metadata_file import read_metadata
from provisioning.site.policy import signed_policy
from provisioning.stick.merge import merge_signatures, valid_signers
from provisioning.stick.part import Part, Result

_ESTATE = "estate"


def find_list(site: Site, folder: Path) -> Iterator[Part]:
    """Yield the list: further signatures, or a newer version.

    Raises:
        SiteRefused: the policy is not signed.
        ListNotIssued: the list is of another site or policy, or was changed after it was built.
        StickRefused: no organisation has signed it, or it has another content than here.
    """
    casefile = read_signed_casefile(site, folder)
    if casefile is None:
        return
    version, here = read_casefile(casefile).version, last_version(site)
    what = f"List, version {version}"
    if version < here:
        yield Part(Result.OLDER, f"{what}; version {here} is here.")
        return
    if casefile == read_signed_casefile(site, site.folder) and not _is_for_policy(site, casefile):
        yield Part(Result.KNOWN, f"{what}: nothing new. It is of the policy before this draft.")
        return
    theirs = read_signed_list(site, folder)
    if theirs is None:
        return
    targets, _, _ = signed_policy(site)
    valid = valid_signers(site_role(theirs.case.site), theirs.role, (targets.signed,))
    ours = _same_version(site, version)
    if ours is not None and ours.role.signed != theirs.role.signed:
        raise StickRefused(f"{what}: another version {version} is here.")
    if ours is None and not valid:
        raise StickRefused(f"{what}: no organisation of the policy has signed it.")
    merged = merge_signatures(ours.role if ours else None, theirs.role, valid)
    yield from merged.parts(
        what, lambda: store_list(site, theirs.case, theirs.sealed, merged.metadata)
    )


def find_statement(site: Site, folder: Path, now: datetime) -> Iterator[Part]:
    """Yield the estate's budget statement.

    Raises:
        SiteRefused: the policy is not signed.
        StickRefused: the estate has not signed it, it is over, or was changed.
    """
    name = site.policy.site
    theirs = _statement_role(folder, name)
    if theirs is None:
        return
    what = f"Statement of the estate, version {theirs.signed.version}"
    ours = _statement_role(site.folder, name)
    if ours is not None and theirs.signed.version < ours.signed.version:
        yield Part(Result.OLDER, f"{what}; version {ours.signed.version} is here.")
        return
    if ours is not None and theirs.signed == ours.signed:
        yield Part(Result.KNOWN, f"{what}: nothing new.")
        return
    if ours is not None and theirs.signed.version == ours.signed.version:
        raise StickRefused(f"{what}: another version {ours.signed.version} is here.")
    content = read_foreign(folder, f"{_ESTATE}/{budget_name(name)}", limit=BUDGET_LIMIT)
    _refuse_forged_statement(site, what, theirs, content, now)
    yield Part(Result.NEW, f"{what} came.", lambda: _store_statement(site, theirs, content))


def _is_for_policy(site: Site, casefile: bytes) -> bool:
    """Return whether a list was built for the policy that is drafted and signed here."""
    try:
        _, policy, _ = signed_policy(site)
    except SiteRefused:
        return False
    return read_casefile(casefile).policy_digest == sha256(policy).digest()


def _same_version(site: Site, version: int) -> SignedList | None:
    casefile = read_signed_casefile(site, site.folder)
    if casefile is None or read_casefile(casefile).version != version:
        return None
    return read_signed_list(site, site.folder)


def _statement_role(folder: Path, name: str) -> Metadata[Targets] | None:
    try:
        return read_metadata(folder, f"{_ESTATE}/{estate_role(name)}.json", Targets)
    except FileNotFoundError:
        return None


def _refuse_forged_statement(
    site: Site, what: str, role: Metadata[Targets], content: bytes, now: datetime
) -> None:
    targets, _, _ = signed_policy(site)
    name = site.policy.site
    try:
        targets.verify_delegate(estate_role(name), role)
        role.signed.targets[budget_name(name)].verify_length_and_hashes(content)
    except (RepositoryError, KeyError) as error:
        raise StickRefused(f"{what}: the estate has not signed it, or it was changed.") from error
    if role.signed.is_expired(now):
        raise StickRefused(f"{what}: it is over.")


def _store_statement(site: Site, role: Metadata[Targets], content: bytes) -> None:
    name = site.policy.site
    with atomic_folder(site.folder / _ESTATE) as part:
        write_atomically(part / budget_name(name), content)
        write_atomically(part / f"{estate_role(name)}.json", role.to_bytes())
