"""Cameras, policy and recipients: put together by the desk, signed by two of three holders.

A signature is only ever added to what lies in `signed/targets`; as soon as the policy as it shall
be differs from that, a new version begins without signatures.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets  # type: ignore[attr-defined]  # Re-exports.

from formats.camera_request import read_request
from formats.errors import FormatError
from formats.keyfile import KeyRefused
from formats.policy import Place, Policy, read_policy, write_policy
from formats.recipients import read_recipients, write_recipients
from formats.signer import Ed25519Signer
from formats.site_keys import SiteKey
from formats.site_tuf import POLICY_FILE, RECIPIENTS_FILE
from provisioning.disk import whole_folder, write_whole
from provisioning.errors import CameraRefused, SiteRefused
from provisioning.site.folder import Site
from provisioning.site.roles import make_targets, sign
from provisioning.site.rotation import newest_root

_ROLE = "targets"
_ROLE_FILE = "targets.json"


def add_camera(site: Site, request_file: Path, *, place: str, grounds: str) -> Place:
    """Put the camera of an enrolment request into the policy as it shall be.

    Raises:
        CameraRefused: the request is missing, broken or forged, or the camera is there already.
    """
    try:
        content = request_file.read_bytes()
        request = read_request(content)
    except OSError as error:
        raise CameraRefused(
            f"The request {request_file} cannot be read: {error.strerror}."
        ) from error
    except FormatError as error:
        raise CameraRefused(f"{request_file} is refused: {error}") from error
    added = Place(request.identity, place, grounds)
    site.add_place(added)
    write_whole(site.cameras / f"{request.identity.camera_id.hex()}.json", content)
    return added


def sign_policy(site: Site, key: Ed25519Signer, *, renew: bool, now: datetime) -> Metadata[Targets]:
    """Add a holder's signature to policy and recipients.

    Args:
        site: the site.
        key: a holder's key for the targets role.
        renew: begin a new version although nothing has changed, because the old one runs out.
        now: the moment from which a new version counts its life.

    Raises:
        KeyRefused: the key is none of the targets role, or has signed already.
        SiteRefused: the recipients are not complete.
    """
    holder = SiteKey.of(key.verify_key).keyid
    if holder not in _root(site).signed.roles[_ROLE].keyids:
        raise KeyRefused("This key does not hold the policy: use a key file named targets-....")
    targets = _begin(site, renew=renew, now=now)
    if holder in targets.signatures:
        raise KeyRefused("This key has signed this policy already: another holder must sign.")
    sign(targets, key)
    policy, recipients = _drafts(site, targets.signed.version)
    with whole_folder(site.signed_targets) as part:
        write_whole(part / POLICY_FILE, policy)
        write_whole(part / RECIPIENTS_FILE, recipients)
        write_whole(part / _ROLE_FILE, targets.to_bytes())
    return targets


def signed_policy(site: Site) -> tuple[Metadata[Targets], bytes, bytes]:
    """Role metadata, policy and recipients, signed by enough holders.

    Raises:
        SiteRefused: the policy was never signed, not often enough, or has changed since.
    """
    targets = _last(site)
    if targets is None:
        raise SiteRefused("The policy is not signed yet: two holders run tallylight policy sign.")
    policy = (site.signed_targets / POLICY_FILE).read_bytes()
    recipients = (site.signed_targets / RECIPIENTS_FILE).read_bytes()
    if (policy, recipients) != _drafts(site, targets.signed.version):
        raise SiteRefused("The policy has changed since it was signed: tallylight policy sign.")
    try:
        _root(site).verify_delegate(_ROLE, targets)
    except RepositoryError as error:
        raise SiteRefused(
            "One more holder must sign the policy: tallylight policy sign."
        ) from error
    return targets, policy, recipients


def _begin(site: Site, *, renew: bool, now: datetime) -> Metadata[Targets]:
    """The role metadata to sign: what lies there already, or a new version without signatures."""
    last = _last(site)
    if last is None:
        return _make(site, 1, now)
    wanted = _make(site, last.signed.version, now)
    lasts_longer = last.signed.expires > wanted.signed.expires
    wanted.signed.expires = last.signed.expires
    # Whatever lies there is signed only if it is, to the last field, what the policy shall be.
    if renew or lasts_longer or last.signed != wanted.signed:
        return _make(site, last.signed.version + 1, now)
    return last


def _make(site: Site, version: int, now: datetime) -> Metadata[Targets]:
    policy, recipients = _drafts(site, version)
    return make_targets(read_policy(policy), read_recipients(recipients), now)


def _drafts(site: Site, version: int) -> tuple[bytes, bytes]:
    policy: Policy = replace(site.policy, version=version)
    return write_policy(policy), write_recipients(site.recipients(version))


def _last(site: Site) -> Metadata[Targets] | None:
    path = site.signed_targets / _ROLE_FILE
    return Metadata[Targets].from_file(str(path)) if path.exists() else None


def _root(site: Site) -> Metadata[Root]:
    return newest_root(site)
