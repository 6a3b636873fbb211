"""Certificates of destruction in the books: find those that are missing, by the ledger.

Each destroyed event has a signed certificate, a file in `certificates/`. After a restore it says
which events must be destroyed again. A file that was deleted or damaged is missed here, and written
again where the store has a copy. A certificate that is newer than a restored copy of the store
cannot be missed: the ledger of that copy does not know it.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from nacl.signing import VerifyKey
from sqlalchemy import Connection, select

from estate.retention.destruction import CERTIFICATES
from formats.destruction import CERTIFICATE_LIMIT, read_destruction
from formats.envelope_header import DIGEST_BYTES
from formats.errors import FormatError
from formats.hexadecimal import read_hex
from formats.ledger import Happening, Record
from formats.whole_file import write_whole


def absent_certificates(records: Iterable[Record], folder: Path) -> list[bytes]:
    """Return the events that the ledger calls destroyed and whose certificate is not in `folder`.

    It looks at names alone, and is quick. `retain` looks inside with `unproven_certificates`.

    Args:
        records: of the estate's ledger, in order; all but `destroyed` are ignored.
        folder: with the certificates.
    """
    here = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return [event for event in _destroyed(records) if f"{event.hex()}.json" not in here]


def unproven_certificates(
    records: Iterable[Record], folder: Path, keys: Collection[VerifyKey]
) -> list[bytes]:
    """Return the events that the ledger calls destroyed and that no certificate proves.

    Args:
        records: of the estate's ledger, in order; all but `destroyed` are ignored.
        folder: with the certificates.
        keys: ledger keys of the estate, of today and before.
    """
    return [event for event in _destroyed(records) if not _is_certified(folder, event, keys)]


def write_again(
    connection: Connection, events: Iterable[bytes], folder: Path, keys: Collection[VerifyKey]
) -> set[bytes]:
    """Write the missing certificates of which the store has a copy; return their events.

    Raises:
        OSError: the disk is full.
    """
    written = set()
    for event in events:
        mine = select(CERTIFICATES.c.signed).where(CERTIFICATES.c.event == event)
        signed = bytes(connection.execute(mine).scalar() or b"")
        if _proves(signed, event, keys):
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / f"{event.hex()}.json", signed)
            written.add(event)
    return written


def _destroyed(records: Iterable[Record]) -> list[bytes]:
    bodies = [record.body for record in records if record.event is Happening.DESTROYED]
    return [read_hex(body.get("envelope"), DIGEST_BYTES) for body in bodies]


def _is_certified(folder: Path, event: bytes, keys: Collection[VerifyKey]) -> bool:
    path = folder / f"{event.hex()}.json"
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return _proves(file.read(CERTIFICATE_LIMIT + 1), event, keys)


def _proves(signed: bytes, event: bytes, keys: Collection[VerifyKey]) -> bool:
    for key in keys:
        with suppress(FormatError):
            if read_destruction(signed, key).event == event:
                return True
    return False
