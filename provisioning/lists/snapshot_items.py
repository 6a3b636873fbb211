"""A publication as the desk's timer signs it: which versions belong together, and until when.

The online keys sign no content. What they sign is shown, and no person is asked, so that a timer
can renew the freshness.
"""

from collections.abc import Sequence

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Snapshot  # type: ignore[attr-defined]  # Re-exports.

from formats.errors import Refused
from formats.site_tuf import CONFIG, METADATA_FOLDER
from provisioning.foreign_file import read_foreign
from provisioning.site.folder import Site
from terminal.differences import Item, moment_text


def snapshot_items(snapshot: Snapshot) -> Sequence[Item]:
    """Return everything that the signatures over snapshot and timestamp cover."""
    facts = {
        "version": str(snapshot.version),
        "fresh until": moment_text(int(snapshot.expires.timestamp())),
    }
    roles = {name.removesuffix(".json"): meta.version for name, meta in snapshot.meta.items()}
    return [
        Item("This publication", facts),
        *(Item(f"Role {name}", {"version": str(version)}) for name, version in roles.items()),
    ]


def published_items(site: Site) -> Sequence[Item] | None:
    """Return the same of the last publication, as it lies in the folder; None if there is none."""
    try:
        (path,) = (site.published / METADATA_FOLDER).glob("*.snapshot.json")
        name, limit = f"{METADATA_FOLDER}/{path.name}", CONFIG.snapshot_max_length
        content = read_foreign(site.published, name, limit=limit)
        return snapshot_items(Metadata[Snapshot].from_bytes(content).signed)
    except (ValueError, AttributeError, OSError, RepositoryError, Refused):
        return None
