"""Backup and restore of the store; a restore destroys again what was destroyed since the backup.

A backup is a whole copy, made while receivers and consoles run. A restored store is older than the
certificates of destruction, which lie outside the store. Each event that a certificate names is
destroyed again before a reviewer can open it.
"""

import shutil
from pathlib import Path

from nacl.signing import SigningKey
from sqlalchemy import or_, select

from estate.errors import BooksRefused, StoreRefused
from estate.retention.destruction import CERTIFICATES, DueEvent, destroy
from estate.store.envelopes import ENVELOPES, KEPT, Store, database_file
from formats.destruction import Ground, read_destruction
from formats.errors import FormatError


def copy_store(store: Store, to: Path) -> None:
    """Write a whole copy of the store into a new file.

    Raises:
        BooksRefused: the file exists already, or the store is on a server.
    """
    if store.on_server:
        raise BooksRefused(
            "This store is on a server: copy it with pg_dump, as docs/operate.md says."
        )
    if to.exists():
        raise BooksRefused(
            f"{to} exists already, and a copy never replaces another: name a new file."
        )
    to.touch(mode=0o600)
    to.unlink()
    try:
        store.write_copy(to)
        to.chmod(0o600)
    except (StoreRefused, OSError, UnicodeError) as error:
        to.unlink(missing_ok=True)
        raise BooksRefused(
            f"The copy {to} could not be written whole, and is removed: make room on its disk, "
            "then repeat."
        ) from error


def refuse_unrestorable(url: str, copy: Path) -> Path:
    """Return the place to which a backup can be copied.

    Raises:
        BooksRefused: there is a store already, there is no copy, or the store is on a server.
    """
    place = database_file(url)
    if place is None:
        raise BooksRefused("This store is on a server: restore it with pg_restore first.")
    if place.exists():
        raise BooksRefused(f"There is a store at {place}: move it away first.")
    if not copy.is_file():
        raise BooksRefused(f"There is no copy at {copy}.")
    return place


def restore_copy(url: str, copy: Path) -> None:
    """Copy a backup to the store's place in the settings.

    Raises:
        BooksRefused: see `refuse_unrestorable`, or it cannot be written.
    """
    place = refuse_unrestorable(url, copy)
    place.touch(mode=0o600)
    try:
        shutil.copyfile(copy, place)
    except OSError as error:
        place.unlink(missing_ok=True)
        raise BooksRefused(
            f"The copy could not be written to {place} ({error.strerror}), and nothing is left "
            "there: make room on its disk, then repeat."
        ) from error


def destroy_again(store: Store, certificates: Path, key: SigningKey) -> int:
    """Destroy every restored event that a certificate names; return their number.

    Raises:
        BooksRefused: a certificate is broken, or this estate's key did not sign it.
    """
    named: dict[bytes, bytes] = {}
    for path in sorted(certificates.glob("*.json")):
        try:
            gone = read_destruction(path.read_bytes(), key.verify_key)
        except FormatError as error:
            raise BooksRefused(f"The certificate {path} is refused: {error}") from error
        named[gone.event] = gone.camera
    with store.reading() as connection:
        # A row in `certificates` alone does not spare an event whose envelope is here.
        uncertified = ENVELOPES.c.digest.not_in(select(CERTIFICATES.c.event))
        query = select(ENVELOPES.c.digest).where(or_(uncertified, KEPT))
        here = {bytes(digest) for (digest,) in connection.execute(query)}
    doomed = [DueEvent(event, named[event], Ground.RESTORED) for event in sorted(here & set(named))]
    return len(destroy(store, doomed, key, certificates))
