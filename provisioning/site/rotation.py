"""A new root: a key changes hands, or the root's year is renewed.

`begin` writes what shall be; root holders add their signatures one by one, each on a machine of
their own if they like. It counts once enough holders of the root before *and* enough of the new one
have signed. Every camera follows from the root in its image, version by version: no image changes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nacl.signing import VerifyKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined]  # Re-exports.

from formats.keyfile import KeyFile, KeyRefused, Purpose
from formats.signer import Ed25519Signer
from formats.site_keys import SiteKey
from formats.site_tuf import ROOT
from provisioning.disk import write_whole
from provisioning.errors import SiteRefused
from provisioning.site.folder import Site
from provisioning.site.roles import sign

ROLES = (Purpose.ROOT, Purpose.TARGETS, Purpose.SNAPSHOT, Purpose.TIMESTAMP)
"""What a root decides. Whose key signs lists is decided by the policy."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A root that is to be, as it was left by whoever signed last."""

    root: Metadata[Root]
    complete: bool
    """Whether it counts now."""

    @property
    def signatures(self) -> int:
        """How many holders have signed."""
        return len(self.root.signatures)


def begin_rotation(site: Site, old: KeyFile | None, new: KeyFile | None, now: datetime) -> Rotation:
    """Write down the next root: `new` in place of `old`, or the same keys for another year.

    Raises:
        KeyRefused: the old key has no such role, or the new one is of another purpose or not new.
    """
    before = newest_root(site)
    after = Metadata(Root.from_dict(before.signed.to_dict()))
    after.signed.version += 1
    after.signed.expires = (now + timedelta(seconds=ROOT.life_s)).replace(microsecond=0)
    if old is not None and new is not None:
        _replace(after.signed, old, new)
    rotation = Rotation(after, complete=False)
    write_whole(site.rotation, after.to_bytes())
    return rotation


def open_rotation(site: Site) -> Rotation:
    """The root that is to be.

    Raises:
        SiteRefused: no change has begun, or another one has been completed since.
    """
    if not site.rotation.exists():
        raise SiteRefused("No new root is waiting for signatures: tallylight site rotate.")
    root = Metadata[Root].from_bytes(site.rotation.read_bytes())
    if root.signed.version != newest_root(site).signed.version + 1:
        raise SiteRefused("Another root came first: begin again with tallylight site rotate.")
    return Rotation(root, complete=False)


def sign_rotation(site: Site, rotation: Rotation, key: Ed25519Signer) -> Rotation:
    """Add a holder's signature to the root that was shown; the last one needed makes it count.

    Raises:
        KeyRefused: the key holds no root, before or after, or has signed already.
    """
    before, after = newest_root(site), rotation.root
    holder = SiteKey.of(key.verify_key).keyid
    if holder not in {*before.signed.roles["root"].keyids, *after.signed.roles["root"].keyids}:
        raise KeyRefused("This key holds no root: use a key file named root-....")
    if holder in after.signatures:
        raise KeyRefused("This key has signed the new root already: another holder must sign.")
    sign(after, key)
    if not _counts(before, after):
        write_whole(site.rotation, after.to_bytes())
        return Rotation(after, complete=False)
    site.roots.mkdir(exist_ok=True)
    write_whole(site.roots / f"{after.signed.version}.root.json", after.to_bytes())
    site.rotation.unlink(missing_ok=True)
    return Rotation(after, complete=True)


def newest_root(site: Site) -> Metadata[Root]:
    """The root that counts, reached from the first one step by step.

    Raises:
        SiteRefused: a step was not signed by enough holders.
    """
    root = Metadata[Root].from_bytes(site.root)
    while (path := site.roots / f"{root.signed.version + 1}.root.json").exists():
        after = Metadata[Root].from_bytes(path.read_bytes())
        if not _counts(root, after) or after.signed.version != root.signed.version + 1:
            raise SiteRefused(f"{path} is not signed by enough holders: put the right file back.")
        root = after
    return root


def root_files(site: Site) -> dict[int, bytes]:
    """Every root by its version, from the first to the newest."""
    newest = newest_root(site).signed.version
    first = Metadata[Root].from_bytes(site.root).signed.version
    later = range(first + 1, newest + 1)
    return {first: site.root} | {
        number: (site.roots / f"{number}.root.json").read_bytes() for number in later
    }


def _replace(root: Root, old: KeyFile, new: KeyFile) -> None:
    role, leaving = str(old.purpose), SiteKey.of(VerifyKey(old.public)).keyid
    if old.purpose not in ROLES or leaving not in root.roles[role].keyids:
        raise KeyRefused("The key to replace holds no role of the root now.")
    if new.purpose is not old.purpose:
        raise KeyRefused(f"A {old.purpose} key is replaced by a {old.purpose} key.")
    coming = SiteKey.of(VerifyKey(new.public))
    if coming.keyid in root.keys:
        raise KeyRefused("The new key holds a role already: make one with tallylight site key.")
    root.revoke_key(leaving, role)
    root.add_key(coming, role)


def _counts(before: Metadata[Root], after: Metadata[Root]) -> bool:
    """Whether enough holders of both roots have signed the later one."""
    try:
        before.verify_delegate("root", after)
        after.verify_delegate("root", after)
    except RepositoryError:
        return False
    return True
