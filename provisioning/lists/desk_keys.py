"""Replace a key that the desk itself holds and that was lost: the desk's own, or the broker's.

The old key's file stays as `.key.old`, and is not used any more. A new desk key opens no template
that was sealed to the old one. These entries are removed: each person must be added again, from a
picture. The published list stays in force until the next one. A new broker key makes a new
authority: `tallylight broker config` then issues every certificate anew.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from formats.entry import Entry
from formats.keyfile import KeyFile, Purpose, read_key
from provisioning.keys.passphrase import make_key_file
from provisioning.lists.entries import remove_entry
from provisioning.lists.kept_entries import kept_entries
from provisioning.site.ceremony import DESK
from provisioning.site.folder import Site


def lost_entries(site: Site, purpose: Purpose) -> Sequence[Entry]:
    """Return every entry that is lost if the key of this purpose is replaced.

    Raises:
        EntryRefused: a file is broken.
    """
    return [kept.entry for kept in kept_entries(site)] if purpose is Purpose.DESK else ()


def replace_desk_key(
    site: Site, purpose: Purpose, *, passphrase_file: Path | None, now: datetime
) -> KeyFile:
    """Make a new key of the desk in place of a lost one; remove the entries that it cannot open.

    Raises:
        KeyRefused: the passphrase is too short.
    """
    old = [path for path in site.keys.glob("*.key") if read_key(path).purpose is purpose]
    new = site.keys / f"{purpose}-{now:%Y%m%d-%H%M%S}.key"
    made = make_key_file(new, purpose, DESK, token=None, passphrase_file=passphrase_file)
    for path in old:
        path.rename(path.with_suffix(".key.old"))
    for entry in lost_entries(site, purpose):
        remove_entry(site, entry.handle.hex())
    return made
