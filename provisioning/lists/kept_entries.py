"""Entries as the desk stores them: one file each, with the templates sealed to the desk's key.

A file holds the entry as the case file will name it, the model that made its templates, and the
templates. Without the desk's key the templates are noise.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from formats.entry import Entry, read_entry, write_entry
from formats.errors import FormatError
from formats.strict_json import Fields, dumps, parse
from provisioning.disk import write_atomically
from provisioning.errors import EntryRefused
from provisioning.lists.portraits import read_handle
from provisioning.site.folder import Site

_FILE_LIMIT: Final = 64 * 1024
_TEMPLATES_LIMIT: Final = 48 * 1024


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry as the desk stores it."""

    entry: Entry
    model_digest: bytes
    """(32,) of the model and preprocessing that made the template."""
    locked: bytes = field(repr=False)
    """SealedBox of the templates, one per picture, for the desk's key."""

    def unlock(self, desk: PrivateKey) -> bytes:
        """Decrypt the templates: one after the other, one signed byte per component.

        Raises:
            EntryRefused: the entry was sealed to another key, or was changed.
        """
        try:
            return SealedBox(desk).decrypt(self.locked)
        except CryptoError as error:
            name = self.entry.handle.hex()
            raise EntryRefused(f"The templates of {name} do not open: add it again.") from error


def kept_entries(site: Site) -> Sequence[KeptEntry]:
    """Return every entry for the next list, by ascending handle.

    Raises:
        EntryRefused: a file is broken.
    """
    return [read_kept_entry(path) for path in sorted(site.entries.glob("*.json"))]


def entry_handles(site: Site) -> frozenset[bytes]:
    """Return the handle of every entry that this desk keeps, from the files' names."""
    return frozenset(read_handle(path.stem) for path in site.entries.glob("*.json"))


def check_entry(kept: KeptEntry) -> None:
    """Raise unless an entry can be stored and read again.

    Raises:
        FormatError: a field is out of bounds.
    """
    parse(_serialise(kept), _read, limit=_FILE_LIMIT, what="entry")


def store_entry(site: Site, kept: KeptEntry) -> None:
    """Store an entry, in place of the one with its handle."""
    write_atomically(site.entries / f"{kept.entry.handle.hex()}.json", _serialise(kept))


def read_kept_entry(path: Path) -> KeptEntry:
    """Return the entry in a file.

    Raises:
        EntryRefused: the file is broken.
    """
    try:
        return parse(path.read_bytes(), _read, limit=_FILE_LIMIT, what="entry")
    except FormatError as error:
        raise EntryRefused(f"{path} is broken: remove it and add the person again.") from error


def _serialise(kept: KeptEntry) -> bytes:
    return dumps(
        {
            "entry": write_entry(kept.entry),
            "locked": b64encode(kept.locked).decode(),
            "model_digest": kept.model_digest.hex(),
        }
    )


def _read(fields: Fields) -> KeptEntry:
    return KeptEntry(
        entry=fields.object("entry", read_entry),
        model_digest=fields.hex_bytes("model_digest", 32),
        locked=fields.base64_bytes("locked", at_most=_TEMPLATES_LIMIT),
    )
