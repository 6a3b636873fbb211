"""A root as its holders see it before signing: each role, its threshold, its keys as twelve words.

A root with anything that is not shown is refused. Nothing here compares (`terminal.differences`).
"""

from collections.abc import Sequence

from tuf.api.metadata import Role, Root  # type: ignore[attr-defined]  # Re-exports.

from formats.counts import counted
from formats.hexadecimal import read_hex
from formats.public_keys import PUBLIC_KEY_BYTES
from provisioning.errors import SiteRefused
from terminal.differences import Item, moment_text
from terminal.fingerprints import fingerprint_text


def root_items(root: Root) -> Sequence[Item]:
    """Return everything that a signature over a root covers, keys as twelve words."""
    facts = {
        "version": str(root.version),
        "valid until": moment_text(int(root.expires.timestamp())),
    }
    items = [Item("This version", facts)]
    for name, role in root.roles.items():
        quorum = f"{role.threshold} of {counted(len(role.keyids), 'holder')}"
        items.append(Item(f"Role {name}", {"must sign": quorum}))
        for keyid in role.keyids:
            public = read_hex(root.keys[keyid].keyval["public"], PUBLIC_KEY_BYTES)
            words = {"its words": fingerprint_text(public)}
            items.append(Item(f"Key of the role {name}, {keyid[:16]}", words))
    return items


def refuse_hidden(root: Root, before: Root) -> None:
    """Refuse a root that holds more than `root_items` shows.

    Raises:
        SiteRefused: it does.
    """
    roles = {name: Role(role.keyids, role.threshold) for name, role in root.roles.items()}
    shown = Root(
        version=root.version,
        spec_version=before.spec_version,
        expires=root.expires,
        keys=root.keys,
        roles=roles,
        consistent_snapshot=True,
    )
    named = {keyid for role in roles.values() for keyid in role.keyids}
    if root != shown or set(root.keys) != named:
        raise SiteRefused(
            "The new root holds something that no holder would see: begin again with tallylight "
            "site rotate."
        )
