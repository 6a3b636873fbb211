"""Addressees: is an event sealed to exactly the reviewers of its recipients version (key epoch)?

An event names the version of the recipients that its camera sealed to. The store holds each version
that the office has met, so an event that waited while recipients changed is judged by its own. An
event that is sealed to a stranger, or not to every reviewer, is *misaddressed*. It stays in the
store as evidence until retention destroys it. No reviewer opens or judges it. The estate's
ledger keeps the record for good.

A slot says itself whose it is. So this check finds a wrong list of recipients, not a slot with a
reviewer's name that a stranger can open: docs/decisions/0022, docs/threat-model.md.
"""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, func, select

from estate.errors import NotMet
from estate.signed_site import stored_recipients
from estate.store.envelopes import ENVELOPES, KEPT, Store
from estate.store.insert_once import insert_once
from estate.store.ledger import METADATA, append_record
from formats.envelope import Kind, Sealed, read
from formats.errors import FormatError, Misaddressed
from formats.ledger import Happening
from formats.recipients import Recipients, check_addressees

MISADDRESSED: Final = Table(
    "misaddressed",
    METADATA,
    Column("event", LargeBinary(32), primary_key=True),
    Column("found_utc_ms", BigInteger, nullable=False),
)
CODE: Final = "misaddressed"
"""The code of the fault in the ledger."""


def met_recipients(store: Store) -> dict[int, Recipients]:
    """Return every version of the recipients that the store has met, by version (key epoch).

    Raises:
        StoreRefused: the store does not answer.
    """
    with store.reading() as connection:
        return stored_recipients(connection)


def refuse_misaddressed(
    store: Store, sealed: Sealed, met: Mapping[int, Recipients] | None = None
) -> None:
    """Refuse an event that is not sealed to exactly the reviewers; record it once.

    Args:
        store: where the record goes.
        sealed: the event.
        met: what `met_recipients` returned for a group of events; None: it is read now.

    Raises:
        Misaddressed: a slot is a stranger's, or a reviewer has none.
        NotMet: the store has not met this version of the recipients.
        StoreRefused: the store does not answer.
    """
    epoch = sealed.header.key_epoch
    recipients = (met_recipients(store) if met is None else met).get(epoch)
    if recipients is None:
        raise NotMet(
            f"It is sealed to version {epoch} of the recipients, which this office has not met: "
            "bring it the site's newest repository."
        )
    try:
        check_addressees(sealed, recipients)
    except Misaddressed:
        with store.writing() as connection:
            _record(connection, sealed)
        raise


def count_misaddressed(connection: Connection) -> int:
    """Return how many events were ever found misaddressed."""
    return connection.execute(select(func.count()).select_from(MISADDRESSED)).scalar_one()


def misaddressed_by_camera(connection: Connection) -> Counter[bytes]:
    """Return how many misaddressed events of each camera are in the store, by the camera's id.

    Each is judged again: a row alone accuses no camera.
    """
    query = select(ENVELOPES.c.blob).join(MISADDRESSED, ENVELOPES.c.digest == MISADDRESSED.c.event)
    recipients, found = stored_recipients(connection), Counter[bytes]()
    for (blob,) in connection.execute(query.where(KEPT)):
        try:
            sealed = read(Kind.EVENT, bytes(blob))
        except FormatError:
            continue  # The health view names a changed row itself.
        try:
            check_addressees(sealed, recipients[sealed.header.key_epoch])
        except Misaddressed:
            found[sealed.header.sender] += 1
        except KeyError:
            continue  # A row that was written into the database: these recipients were never met.
    return found


def _record(connection: Connection, sealed: Sealed) -> None:
    row = {"event": sealed.digest, "found_utc_ms": time.time_ns() // 1_000_000}
    if insert_once(connection, MISADDRESSED, row):
        body: dict[str, int | str] = {
            "code": CODE,
            "envelope": sealed.digest.hex(),
            "camera": sealed.header.sender.hex(),
        }
        append_record(connection, Happening.FAULT, body)
