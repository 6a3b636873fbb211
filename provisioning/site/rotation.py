"""Key rotation: make a new root that replaces a key, or renews the root for a year; sign it.

`make_rotation` makes the next root and `begin_rotation` stores it. Root holders are shown all of it
(`provisioning.site.root_items`) and add their signatures one by one, each on their own machine if
they like. The new root counts when the threshold of holders of the old root *and* the threshold of
holders of the new root have signed it. Every camera follows from the root in its image, version by
version: no image changes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from nacl.signing import VerifyKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined]  # Re-exports.

from formats.hexadecimal import read_hex
from formats.keyfile import KeyFile, KeyRefused, Purpose
from formats.public_key_file import PublicKeyFile
from formats.public_keys import PUBLIC_KEY_BYTES, signing_key
from formats.signer import Ed25519Signer
from formats.site_keys import SiteKey
from formats.site_tuf import ROOT_LIFE_S
from provisioning.disk import write_atomically
from provisioning.errors import SiteRefused
from provisioning.site.folder import Site
from provisioning.site.metadata_file import read_metadata
from provisioning.site.minutes import ceremony_minutes
from provisioning.site.roles import ROOT_ROLES, sign
from provisioning.site.root_items import refuse_hidden
from terminal.fingerprints import fingerprint_words

NewKey: TypeAlias = KeyFile | PublicKeyFile
"""A key that comes: its own file, or the public one that its holder hands on."""
_ROOT: Final = "root.json"
_ROTATION: Final = "rotation.json"


@dataclass(frozen=True, slots=True)
class RootKey:
    """A key that holds a role of the root, without its file."""

    purpose: Purpose
    public: bytes
    """(32,)."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The next root, with the signatures that it has so far."""

    root: Metadata[Root]
    complete: bool
    """Whether enough holders have signed: the root counts."""

    @property
    def version(self) -> int:
        """Return the version of the next root."""
        return self.root.signed.version

    @property
    def signatures(self) -> int:
        """Return how many holders have signed."""
        return len(self.root.signatures)


def find_root_key(site: Site, words: str) -> RootKey:
    """Return the key of the newest root that has these twelve words, as the minutes print them.

    Raises:
        KeyRefused: no key of the root has them.
    """
    root = newest_root(site).signed
    for purpose in ROOT_ROLES:
        for keyid in root.roles[str(purpose)].keyids:
            public = read_hex(root.keys[keyid].keyval["public"], PUBLIC_KEY_BYTES)
            if fingerprint_words(public).split() == words.lower().split():
                return RootKey(purpose, public)
    raise KeyRefused("No key of the root has these words: copy all twelve from the minutes.")


def make_rotation(
    site: Site, old: KeyFile | RootKey | None, new: NewKey | None, now: datetime
) -> Rotation:
    """Return the next root, with `new` in place of `old` or with the same keys; store nothing.

    Raises:
        KeyRefused: only one key is named, the old key holds no role, or the new one has another
            purpose or holds a role already.
    """
    if (old is None) != (new is None):
        raise KeyRefused(
            "Name the key that leaves with --from or --lost and the one that comes with --to."
        )
    before = newest_root(site)
    after = Metadata(Root.from_dict(before.signed.to_dict()))
    after.signed.version += 1
    after.signed.expires = (now + timedelta(seconds=ROOT_LIFE_S)).replace(microsecond=0)
    if old is not None and new is not None:
        _replace_key(after.signed, old, new)
    return Rotation(after, complete=False)


def begin_rotation(site: Site, rotation: Rotation, new: NewKey | None, now: datetime) -> None:
    """Store the next root, which then waits for signatures, and its minutes."""
    title = f"Root {rotation.version} of the site {site.policy.site}"
    minutes = ceremony_minutes(title, [new] if new else [], rotation.root.signed_bytes, now)
    write_atomically(site.rotation, rotation.root.to_bytes())
    write_atomically(site.minutes(rotation.version), minutes.encode())


def open_rotation(site: Site) -> Rotation:
    """Return the next root, which waits for signatures.

    Raises:
        SiteRefused: no rotation has begun, another one was completed since, or the root holds
            what holders are not shown.
    """
    root = read_rotation(site.folder)
    if root is None:
        raise SiteRefused("No new root is waiting for signatures: tallylight site rotate.")
    before = newest_root(site)
    refuse_hidden(root.signed, before.signed)
    if root.signed.version != before.signed.version + 1:
        raise SiteRefused("Another root came first: begin again with tallylight site rotate.")
    return Rotation(root, complete=False)


def refuse_other_holder(site: Site, rotation: Rotation, key: VerifyKey) -> None:
    """Raise unless `key` may add its signature to the next root.

    Raises:
        KeyRefused: the key holds neither the old nor the new root, or has signed already.
    """
    before, after = newest_root(site), rotation.root
    holder = SiteKey.of(key).keyid
    if holder not in {*before.signed.roles["root"].keyids, *after.signed.roles["root"].keyids}:
        raise KeyRefused("This key holds no root: use a key file named root-....")
    if holder in after.signatures:
        raise KeyRefused("This key has signed the new root already: another holder must sign.")


def sign_rotation(site: Site, rotation: Rotation, key: Ed25519Signer) -> Rotation:
    """Add a root holder's signature to the root that was shown; store the root if it counts now.

    Raises:
        KeyRefused: see `refuse_other_holder`.
    """
    refuse_other_holder(site, rotation, key.verify_key)
    sign(rotation.root, key)
    return store_rotation(site, rotation.root)


def store_rotation(site: Site, after: Metadata[Root]) -> Rotation:
    """Store the next root with its signatures: it counts if enough have signed, else it waits."""
    if not is_signed_by_enough(newest_root(site), after):
        write_atomically(site.rotation, after.to_bytes())
        return Rotation(after, complete=False)
    store_root(site, after)
    return Rotation(after, complete=True)


def read_rotation(folder: Path) -> Metadata[Root] | None:
    """Return the next root in a site's folder, also in one on a stick; None if there is none.

    Raises:
        SiteRefused: it is broken.
        FileRefused: it is no plain file, or too large.
    """
    try:
        return read_metadata(folder, _ROTATION, Root)
    except FileNotFoundError:
        return None


def read_root(folder: Path, version: int) -> Metadata[Root] | None:
    """Return a root after the first one, as it lies in a folder; None if it is not there.

    Raises:
        SiteRefused: it is broken.
        FileRefused: it is no plain file, or too large.
    """
    try:
        return read_metadata(folder, f"roots/{version}.root.json", Root)
    except FileNotFoundError:
        return None


def store_root(site: Site, root: Metadata[Root]) -> None:
    """Store a root that counts. A rotation to it, or to an earlier one, is over."""
    site.roots.mkdir(mode=0o700, exist_ok=True)
    write_atomically(site.roots / f"{root.signed.version}.root.json", root.to_bytes())
    waiting = read_rotation(site.folder)
    if waiting is not None and waiting.signed.version <= root.signed.version:
        site.rotation.unlink()


def newest_root(site: Site) -> Metadata[Root]:
    """Return the root that counts; verify each version from the first one on.

    Raises:
        SiteRefused: a version is not signed by enough holders.
    """
    root = read_metadata(site.folder, _ROOT, Root)
    while (after := read_root(site.folder, root.signed.version + 1)) is not None:
        if not follows(root, after):
            path = site.roots / f"{root.signed.version + 1}.root.json"
            raise SiteRefused(f"{path} is not signed by enough holders: put the right file back.")
        root = after
    return root


def follows(before: Metadata[Root], after: Metadata[Root]) -> bool:
    """Return whether a root is the next version, signed by enough holders of both."""
    return after.signed.version == before.signed.version + 1 and is_signed_by_enough(before, after)


def root_files(site: Site) -> dict[int, bytes]:
    """Return every root by its version, from the first to the newest."""
    newest = newest_root(site).signed.version
    first = Metadata[Root].from_bytes(site.root).signed.version
    later = range(first + 1, newest + 1)
    return {first: site.root} | {
        number: (site.roots / f"{number}.root.json").read_bytes() for number in later
    }


def _replace_key(root: Root, old: KeyFile | RootKey, new: NewKey) -> None:
    role, leaving = str(old.purpose), SiteKey.of(signing_key(old.public)).keyid
    if old.purpose not in ROOT_ROLES or leaving not in root.roles[role].keyids:
        raise KeyRefused(
            "The key to replace holds no role of the root: name another one with --from."
        )
    if new.purpose is not old.purpose:
        raise KeyRefused(f"The {old.purpose} key is replaced by {old.purpose.one_key} alone.")
    coming = SiteKey.of(signing_key(new.public))
    if coming.keyid in root.keys:
        raise KeyRefused("The new key holds a role already: make one with tallylight site key.")
    root.revoke_key(leaving, role)
    root.add_key(coming, role)


def is_signed_by_enough(before: Metadata[Root], after: Metadata[Root]) -> bool:
    """Return whether the threshold of holders of both roots have signed the later one."""
    try:
        before.verify_delegate("root", after)
        after.verify_delegate("root", after)
    except RepositoryError:
        return False
    return True
