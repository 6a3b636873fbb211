"""Copies of the store, and their way back: what was destroyed stays destroyed.

A copy is whole, taken while receivers and consoles run. A store that comes back is older than its
certificates of destruction, which are kept apart from it: whatever they name is destroyed again
before anybody can review it.
"""

import shutil
from pathlib import Path

from nacl.signing import SigningKey
from sqlalchemy import select
from sqlalchemy.engine import make_url

from estate.errors import BooksRefused
from estate.retention.destruction import DueEvent, destroy
from estate.store.envelopes import ENVELOPES, Store
from formats.destruction import Ground, read_destruction
from formats.errors import FormatError


def copy_store(store: Store, to: Path) -> None:
    """Write a whole copy of the store into a new file.

    Raises:
        BooksRefused: the file is there already, or the store is a server's.
    """
    if store.engine.dialect.name != "sqlite":
        raise BooksRefused(
            "This store is a server's: copy it with pg_dump, as docs/operate.md says."
        )
    if to.exists():
        raise BooksRefused(f"{to} is there already: a copy never replaces another.")
    to.touch(mode=0o600)
    to.unlink()
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(to),))
    to.chmod(0o600)


def restore_copy(url: str, copy: Path) -> None:
    """Put a copy where the settings say that the store is.

    Raises:
        BooksRefused: there is a store already, there is no copy, or the store is a server's.
    """
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or not address.database:
        raise BooksRefused("This store is a server's: bring it back with pg_restore first.")
    place = Path(address.database)
    if place.exists():
        raise BooksRefused(f"There is a store at {place}: move it away first.")
    if not copy.is_file():
        raise BooksRefused(f"There is no copy at {copy}.")
    place.touch(mode=0o600)
    shutil.copyfile(copy, place)


def destroy_again(store: Store, certificates: Path, key: SigningKey) -> int:
    """Destroy whatever a certificate names and an older copy brought back; return how many.

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
        query = select(ENVELOPES.c.digest).where(ENVELOPES.c.blob != b"")
        here = {bytes(digest) for (digest,) in connection.execute(query)}
    doomed = [DueEvent(event, named[event], Ground.RESTORED) for event in sorted(here & set(named))]
    return len(destroy(store, doomed, key, certificates))
