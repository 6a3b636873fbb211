"""Build, seal and sign the watchlist: threshold, version, signatures of two or three organisations.

One organisation builds the list and seals its body to the cameras. Two organisations sign it, three
if an entry is a minor or vulnerable. They sign the digests of case file and sealed body. A
signature is added only to the version in `signed/list`; each build begins a new version without
signatures. Publishing is `provisioning.lists.publication`'s part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from nacl.public import PrivateKey
from nacl.signing import VerifyKey
from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined]  # Re-exports.

from formats.casefile import CASEFILE_LIMIT, LIST_LIFE_S, CaseFile, read_casefile, write_casefile
from formats.entry_columns import entries_of
from formats.envelope import DIGEST_BYTES, ID_BYTES, Kind, Origin, TimeQuality, seal
from formats.keyfile import KeyRefused
from formats.policy import Policy, Supplier, read_policy
from formats.signer import Ed25519Signer
from formats.site_tuf import (
    LIMITS,
    ORGANISATIONS,
    ORGANISATIONS_SENSITIVE,
    TARGETS_FOLDER,
    casefile_name,
    sealed_name,
    signers_of,
    site_role,
)
from formats.watchlist import HANDLE_BYTES, Body, write_body
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import ListNotIssued
from provisioning.foreign_file import read_foreign
from provisioning.lists.draft import Draft
from provisioning.lists.entries import remove_expired_entries
from provisioning.lists.kept_entries import KeptEntry
from provisioning.site.folder import Site
from provisioning.site.metadata_file import read_metadata
from provisioning.site.policy import signed_policy
from provisioning.site.roles import make_list_role, sign
from provisioning.site.versions import Versioned, highest_version, note_version
from recognition.calibration import Grade, Groups, Threshold, threshold_for
from recognition.gallery import Gallery
from recognition.manifest import Manifest
from recognition.template import PPM

_SIGNED: Final = "signed/list"


@dataclass(frozen=True, slots=True)
class SignedList:
    """The list in `signed/list`, with the signatures it has so far."""

    case: CaseFile
    casefile: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    role: Metadata[Targets] = field(repr=False)
    organisations: tuple[str, ...]
    """The different organisations that have signed."""

    @property
    def needed(self) -> int:
        """Return how many different organisations must sign."""
        return ORGANISATIONS_SENSITIVE if self.case.entries.sensitive else ORGANISATIONS


@dataclass(frozen=True, slots=True)
class Headroom:
    """How far a list is from its limits, in figures."""

    templates: int
    ceiling_ppm: int | None
    """The cross-subject ceiling: score of the two people most alike; None if there are not two."""
    threshold: Threshold
    """Score that a passer-by must reach on a camera."""
    groups: Groups | None
    """The worst group that was measured with the nets; None if none was."""


@dataclass(frozen=True, slots=True)
class BuiltList:
    """A new version of the list, without signatures."""

    case: CaseFile
    headroom: Headroom | None
    """None for a list without entries."""


def build_list(site: Site, draft: Draft, *, sealer: Ed25519Signer, desk: PrivateKey) -> BuiltList:
    """Build a new version of the list from the draft that was shown; it has no signatures.

    Raises:
        EntryRefused: a template does not open.
        ListNotServed: the list is too long for the false alarms that the policy accepts.
        ListNotIssued: two people are too much alike.
    """
    policy, manifest, kept = draft.policy, draft.manifest, draft.kept
    now_s = int(draft.now.timestamp())
    remove_expired_entries(site, draft.now)
    body = _body(kept, desk, manifest.embedder.net.outputs[0].shape[-1])
    headroom = _headroom(policy, body, manifest) if kept else None
    version = last_version(site) + 1
    sealed = _seal_body(body, policy, sealer, version)
    case = CaseFile(
        site=policy.site,
        version=version,
        issued_utc_s=now_s,
        expires_utc_s=now_s + LIST_LIFE_S,
        model_digest=manifest.model_digest,
        policy_digest=draft.policy_digest,
        body_digest=sha256(sealed).digest(),
        dim=body.dim,
        entries=entries_of(each.entry for each in kept),
    )
    store_list(site, case, sealed, make_list_role(case, sealed))
    return BuiltList(case, headroom)


def open_list(site: Site) -> SignedList:
    """Return the list in `signed/list`.

    Raises:
        SiteRefused: the policy is not signed.
        ListNotIssued: no list was built, or the policy has changed since.
        FileRefused: a file is no plain file, or too large.
    """
    signed = read_signed_list(site, site.folder)
    if signed is None:
        raise ListNotIssued("There is no list yet: tallylight list build.")
    return signed


def read_signed_list(site: Site, folder: Path) -> SignedList | None:
    """Return the list with its signatures in a folder of the site, also in one on a stick.

    Signatures are checked against the policy that this site has signed.

    Raises:
        SiteRefused: the policy is not signed.
        ListNotIssued: the list is of another site or policy, or was changed after it was built.
        FileRefused: a file is no plain file, or too large.
        FormatError: the case file is broken.
    """
    targets, policy_bytes, _ = signed_policy(site)
    policy = read_policy(policy_bytes)
    casefile = read_signed_casefile(site, folder)
    if casefile is None:
        return None
    case = read_casefile(casefile)
    if case.site != policy.site:
        raise ListNotIssued(f"The list is of the site {case.site}: take the one of {policy.site}.")
    if case.policy_digest != sha256(policy_bytes).digest():
        raise ListNotIssued(
            "The policy has changed since the list was built: tallylight list build."
        )
    name = site_role(policy.site)
    role = read_metadata(folder, f"{_SIGNED}/{name}.json", Targets)
    limit = LIMITS[TARGETS_FOLDER]
    sealed = read_foreign(folder, f"{_SIGNED}/{sealed_name(policy.site)}", limit=limit)
    if role.signed != make_list_role(case, sealed).signed:  # What is signed must be what is shown.
        raise ListNotIssued("The list was changed after it was built: tallylight list build.")
    organisations = {supplier.sign_key: supplier.organisation for supplier in policy.suppliers}
    return SignedList(
        case=case,
        casefile=casefile,
        sealed=sealed,
        role=role,
        organisations=tuple(organisations[key] for key in signers_of(targets, role, name)),
    )


def read_signed_casefile(site: Site, folder: Path) -> bytes | None:
    """Return the case file in `signed/list` of a folder of the site; None if there is none.

    Raises:
        FileRefused: it is no plain file, or too large.
    """
    try:
        name = f"{_SIGNED}/{casefile_name(site.policy.site)}"
        return read_foreign(folder, name, limit=CASEFILE_LIMIT)
    except FileNotFoundError:
        return None


def last_version(site: Site) -> int:
    """Return the highest version of the list that was built, taken in or published here."""
    casefile = read_signed_casefile(site, site.folder)
    published = published_versions(site)
    built = read_casefile(casefile).version if casefile is not None else 0
    return max(highest_version(site, Versioned.LIST), built, *published, 0)


def published_versions(site: Site) -> Sequence[int]:
    """Return the version of every list of the history."""
    return [int(path.stem) for path in site.history.glob("[0-9]*[0-9].json")]


def store_list(site: Site, case: CaseFile, sealed: bytes, role: Metadata[Targets]) -> None:
    """Put a list and its signatures into `signed/list`."""
    with atomic_folder(site.signed_list) as part:
        write_atomically(part / casefile_name(case.site), write_casefile(case))
        write_atomically(part / sealed_name(case.site), sealed)
        write_atomically(part / f"{site_role(case.site)}.json", role.to_bytes())
    note_version(site, Versioned.LIST, case.version)


def supplier_of(site: Site, signed: SignedList, key: VerifyKey) -> Supplier:
    """Return the organisation that may add its signature to a list with `key`.

    Raises:
        KeyRefused: the key signs lists for no organisation, or its organisation has signed already.
    """
    for supplier in site.policy.suppliers:
        if supplier.sign_key == key:
            if supplier.organisation in signed.organisations:
                raise KeyRefused(
                    f"{supplier.organisation} has signed this list: another organisation must sign."
                )
            return supplier
    raise KeyRefused("This key signs no lists: use a key file named list-sign-....")


def sign_list(site: Site, signed: SignedList, key: Ed25519Signer) -> SignedList:
    """Add an organisation's signature to the list that was shown to it.

    Raises:
        KeyRefused: see `supplier_of`.
    """
    supplier = supplier_of(site, signed, key.verify_key)
    sign(signed.role, key)
    store_list(site, signed.case, signed.sealed, signed.role)
    return replace(signed, organisations=(*signed.organisations, supplier.organisation))


def _body(kept: Sequence[KeptEntry], desk: PrivateKey, dim: int) -> Body:
    return Body(
        dim=dim,
        handles=b"".join(each.entry.handle * len(each.entry.pictures) for each in kept),
        templates=b"".join(each.unlock(desk) for each in kept),
    )


def _headroom(policy: Policy, body: Body, manifest: Manifest) -> Headroom:
    """Return how far the list is from its limits; refuse two people who pass for each other."""
    # A stranger can resemble any template, so the threshold is that of all templates.
    threshold = threshold_for(manifest.calibration, len(body), policy.fpir_ppm, Grade.FUSED)
    handles = np.frombuffer(body.handles, np.uint8).reshape(-1, HANDLE_BYTES)
    templates = np.frombuffer(body.templates, np.int8).reshape(-1, body.dim)
    ceiling = Gallery(handles, templates).ceiling()
    if ceiling and ceiling.score_ppm >= threshold.score_ppm:
        one, other = (handles[row].tobytes().hex() for row in (ceiling.one, ceiling.other))
        raise ListNotIssued(
            f"Two people on the list would be taken for each other: {one} and {other} are alike by "
            f"{ceiling.score_ppm / PPM:.3f}, and {threshold.score_ppm / PPM:.3f} is the threshold "
            "of this list. Remove one; if both are one person, add them again as one entry with "
            "both pictures, else with better ones."
        )
    groups = manifest.calibration.groups
    return Headroom(len(body), ceiling.score_ppm if ceiling else None, threshold, groups)


def _seal_body(body: Body, policy: Policy, sealer: Ed25519Signer, version: int) -> bytes:
    origin = Origin(
        boot_id=bytes(ID_BYTES),
        sequence=version,
        key_epoch=policy.version,
        time_quality=TimeQuality.SYNCHRONISED,
        previous=bytes(DIGEST_BYTES),
    )
    cameras = [place.camera.list_key for place in policy.places]
    return seal(Kind.LIST, write_body(body), sender=sealer, recipients=cameras, origin=origin).blob
