"""The draft of a list: who would be on it now, for which cameras; shown before it is sealed.

Every check that needs no passphrase is made here, and nothing is changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from nacl.signing import VerifyKey

from formats.keyfile import KeyRefused
from formats.policy import Policy, read_policy
from provisioning.lists.fitness import refuse_unfit
from provisioning.lists.kept_entries import KeptEntry, kept_entries
from provisioning.lists.list_items import entry_item
from provisioning.nets.bundles import site_bundle
from provisioning.site.folder import Site
from provisioning.site.policy import signed_policy
from provisioning.site.policy_items import camera_item
from recognition.manifest import Manifest, read_manifest
from terminal.differences import Item


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be sealed: every entry that is live, for every camera. Made by `draft_list`."""

    policy: Policy
    policy_digest: bytes
    """(32,) SHA-256 of the signed policy."""
    manifest: Manifest
    kept: Sequence[KeptEntry]
    now: datetime

    @property
    def items(self) -> Sequence[Item]:
        """Return the people on the list, and the cameras that will be able to open it."""
        people = [entry_item(each.entry) for each in self.kept]
        return [*people, *map(camera_item, self.policy.places)]


def draft_list(site: Site, sealer: VerifyKey, now: datetime) -> Draft:
    """Return what a list would hold now, once everything is in order; change nothing.

    Raises:
        SiteRefused: the policy is not signed, or the site has no nets that its key has signed.
        KeyRefused: the sealer's key is no supplier's sealing key.
        EntryRefused: an entry's file is broken.
        ListNotIssued: too many entries, another model, or no cameras.
    """
    _, policy_bytes, _ = signed_policy(site)
    policy = read_policy(policy_bytes)
    if sealer not in {supplier.seal_key for supplier in policy.suppliers}:
        raise KeyRefused("This key seals no lists: use a key file named list-seal-....")
    manifest = read_manifest(site_bundle(site).manifest)
    kept = [each for each in kept_entries(site) if each.entry.is_live(int(now.timestamp()))]
    refuse_unfit(policy, kept, manifest)
    return Draft(policy, sha256(policy_bytes).digest(), manifest, kept, now)
