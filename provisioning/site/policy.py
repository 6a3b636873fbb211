"""Register cameras in the policy; sign policy and recipients: a quorum of two of three holders.

The desk edits drafts. A signature is added only to the version in `signed/targets`. When the drafts
differ from that version, the next signature begins a new version without the older signatures. What
a holder signs is the `PolicyFiles` that was shown: the same bytes, compared with those in force.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from nacl.signing import VerifyKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined]  # Re-exports.

from formats.camera_request import REQUEST_LIMIT, read_request
from formats.errors import FormatError, Refused
from formats.keyfile import KeyRefused
from formats.policy import Place, Policy, read_policy, write_policy
from formats.recipients import read_recipients, write_recipients
from formats.signer import Ed25519Signer
from formats.site_keys import SiteKey
from formats.site_tuf import (
    CONFIG,
    METADATA_FOLDER,
    POLICY_FILE,
    RECIPIENTS_FILE,
    TARGETS_FOLDER,
)
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import CameraRefused, SiteRefused
from provisioning.foreign_file import read_foreign
from provisioning.site.folder import Site
from provisioning.site.metadata_file import read_metadata
from provisioning.site.policy_items import policy_items, recipients_items, version_item
from provisioning.site.roles import make_targets, sign
from provisioning.site.rotation import newest_root
from provisioning.site.versions import Versioned, highest_version, note_version
from terminal.differences import Item

_ROLE = "targets"
_ROLE_FILE = "targets.json"
_SIGNED = "signed/targets"


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """Policy and recipients with the signatures they have so far; nothing of them is proven."""

    targets: Metadata[Targets] = field(repr=False)
    policy: bytes = field(repr=False)
    recipients: bytes = field(repr=False)

    @property
    def version(self) -> int:
        """Return the version that the holders sign."""
        return self.targets.signed.version

    @property
    def items(self) -> Sequence[Item]:
        """Return everything that a signature covers, as a holder sees it."""
        policy, recipients = read_policy(self.policy), read_recipients(self.recipients)
        return [
            version_item(policy, recipients, self.targets.signed.expires),
            *recipients_items(recipients),
            *policy_items(policy),
        ]


def register_camera(site: Site, request_file: Path, *, place: str, grounds: str) -> Place:
    """Register the camera of a request: add it to the draft of the policy.

    Raises:
        CameraRefused: the request is missing, broken or forged, or the camera is in the policy.
    """
    try:
        content = read_foreign(request_file.parent, request_file.name, limit=REQUEST_LIMIT)
        request = read_request(content)
    except OSError as error:
        raise CameraRefused(
            f"The request {request_file} cannot be read: {error.strerror}."
        ) from error
    except FormatError as error:
        raise CameraRefused(f"{request_file} is refused: {error}") from error
    added = Place(request.identity, place, grounds)
    site.add_place(added)
    site.add_request(request.identity.camera_id.hex(), content)
    return added


def open_policy(site: Site, *, renew: bool, now: datetime) -> PolicyFiles:
    """Return the version that a holder is to read and sign.

    Args:
        site: the site.
        renew: begin a new version of unchanged drafts, because the old version expires soon.
        now: the moment from which a new version counts its life.

    Raises:
        SiteRefused: the recipients are not complete.
    """
    targets = _version_to_sign(site, renew=renew, now=now)
    return PolicyFiles(targets, *drafted_files(site, targets.signed.version))


def refuse_other_holder(site: Site, files: PolicyFiles, key: VerifyKey) -> None:
    """Raise unless `key` may add its signature to a version.

    Raises:
        KeyRefused: the key is none of the targets role, or has signed already.
    """
    holder = SiteKey.of(key).keyid
    if holder not in newest_root(site).signed.roles[_ROLE].keyids:
        raise KeyRefused("This key does not hold the policy: use a key file named targets-....")
    if holder in files.targets.signatures:
        raise KeyRefused("This key has signed this policy already: another holder must sign.")


def sign_policy(site: Site, files: PolicyFiles, key: Ed25519Signer) -> Metadata[Targets]:
    """Add a holder's signature to the policy and recipients that were shown.

    Raises:
        KeyRefused: see `refuse_other_holder`.
    """
    refuse_other_holder(site, files, key.verify_key)
    sign(files.targets, key)
    store_policy_files(site, files)
    return files.targets


def policy_in_force(site: Site) -> PolicyFiles | None:
    """Return the last published policy and recipients; None if there are none that count.

    They count if enough holders in the newest root have signed them. Everything else is shown as
    new, so that a change cannot pass for something that was there before.
    """
    try:
        (path,) = (site.published / METADATA_FOLDER).glob(f"*.{_ROLE_FILE}")
        targets = read_metadata(site.published, f"{METADATA_FOLDER}/{path.name}", Targets)
        newest_root(site).verify_delegate(_ROLE, targets)
        contents = [_published_file(site, targets, name) for name in (POLICY_FILE, RECIPIENTS_FILE)]
        files = PolicyFiles(targets, *contents)
        _ = files.items  # It can be read.
    except (ValueError, KeyError, OSError, Refused, RepositoryError):
        return None
    return files


def signed_policy(site: Site) -> tuple[Metadata[Targets], bytes, bytes]:
    """Return role metadata, policy and recipients, signed by enough holders.

    Raises:
        SiteRefused: the policy was not signed, by too few holders, or has changed since.
    """
    stored = read_policy_files(site.folder)
    if stored is None:
        raise SiteRefused("The policy is not signed yet: two holders run tallylight policy sign.")
    targets, policy, recipients = stored.targets, stored.policy, stored.recipients
    highest = highest_version(site, Versioned.POLICY)
    if stored.version < highest:
        raise SiteRefused(
            f"The folder signed/ holds version {stored.version} of the policy, and version "
            f"{highest} was signed: tallylight take it from its stick, or sign again."
        )
    if (policy, recipients) != drafted_files(site, stored.version):
        raise SiteRefused("The policy has changed since it was signed: tallylight policy sign.")
    try:
        newest_root(site).verify_delegate(_ROLE, targets)
    except RepositoryError as error:
        raise SiteRefused(
            "One more holder must sign the policy: tallylight policy sign."
        ) from error
    return targets, policy, recipients


def last_signed_policy(site: Site) -> tuple[Metadata[Targets], bytes]:
    """Return role metadata and policy, as enough holders signed them, also while a draft waits.

    To look back with: what is built or published needs `signed_policy`.

    Raises:
        SiteRefused: the policy here is not signed, and none that counts was published.
    """
    try:
        targets, policy, _ = signed_policy(site)
    except SiteRefused:
        published = policy_in_force(site)
        if published is None:
            raise
        return published.targets, published.policy
    return targets, policy


def read_policy_files(folder: Path) -> PolicyFiles | None:
    """Return the policy in a site's folder, also in one on a stick; None if none was signed.

    Raises:
        SiteRefused: the role's metadata is broken.
        FileRefused: a file is no plain file, or too large.
        FileNotFoundError: policy or recipients are missing.
    """
    try:
        targets = read_metadata(folder, f"{_SIGNED}/{_ROLE_FILE}", Targets)
    except FileNotFoundError:
        return None
    policy, recipients = (
        read_foreign(folder, f"{_SIGNED}/{name}", limit=CONFIG.targets_max_length)
        for name in (POLICY_FILE, RECIPIENTS_FILE)
    )
    return PolicyFiles(targets, policy, recipients)


def store_policy_files(site: Site, files: PolicyFiles) -> None:
    """Put policy, recipients and their signatures into the site's folder."""
    with atomic_folder(site.signed_targets) as part:
        write_atomically(part / POLICY_FILE, files.policy)
        write_atomically(part / RECIPIENTS_FILE, files.recipients)
        write_atomically(part / _ROLE_FILE, files.targets.to_bytes())
    note_version(site, Versioned.POLICY, files.version)


def drafted_files(site: Site, version: int) -> tuple[bytes, bytes]:
    """Return policy and recipients as the drafts make them, under a version.

    Raises:
        SiteRefused: the recipients are not complete.
    """
    policy: Policy = replace(site.policy, version=version)
    return write_policy(policy), write_recipients(site.recipients(version))


def _published_file(site: Site, targets: Metadata[Targets], name: str) -> bytes:
    info = targets.signed.targets[name]
    path = f"{TARGETS_FOLDER}/{info.hashes['sha256']}.{name}"
    content = read_foreign(site.published, path, limit=CONFIG.targets_max_length)
    info.verify_length_and_hashes(content)
    return content


def _version_to_sign(site: Site, *, renew: bool, now: datetime) -> Metadata[Targets]:
    """Return the stored version with its signatures, or a new version without signatures."""
    stored, highest = read_policy_files(site.folder), highest_version(site, Versioned.POLICY)
    if stored is None or stored.version < highest:
        return _new_version(site, highest + 1, now)
    last = stored.targets
    wanted = _new_version(site, last.signed.version, now)
    lasts_longer = last.signed.expires > wanted.signed.expires
    wanted.signed.expires = last.signed.expires
    # The stored version is signed only if each of its fields is what the drafts make.
    if renew or lasts_longer or last.signed != wanted.signed:
        return _new_version(site, last.signed.version + 1, now)
    return last


def _new_version(site: Site, version: int, now: datetime) -> Metadata[Targets]:
    policy, recipients = drafted_files(site, version)
    return make_targets(read_policy(policy), read_recipients(recipients), now)
