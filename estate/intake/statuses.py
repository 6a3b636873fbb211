"""Cameras' status messages (heartbeats), as a reviewer's console found them in envelopes.

Without a reviewer's key a status cannot be told from an event; the store cannot tell them apart,
either. The console opens every envelope, and stores here which ones held a status. A status needs
no verdict. Its envelope is destroyed by the next run of retention. The newest status of each camera
is kept.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, delete, select

from estate.store.envelopes import ENVELOPES
from estate.store.insert_once import insert_once
from estate.store.ledger import METADATA, append_record
from formats.ledger import Happening
from formats.status import Status

STATUSES: Final = Table(
    "statuses",
    METADATA,
    Column("envelope", LargeBinary(32), primary_key=True),
    Column("camera", LargeBinary(16), nullable=False),
    Column("stored_utc_ms", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)


def store_status(connection: Connection, envelope: bytes, status: Status) -> None:
    """Store once that an envelope held a status, with a record in the ledger."""
    here = ENVELOPES.c
    query = select(here.stored_utc_ms).where(here.digest == envelope)
    stored_utc_ms = connection.execute(query).scalar()
    if stored_utc_ms is None or envelope in status_digests(connection):
        return
    row = {
        "envelope": envelope,
        "camera": status.camera,
        "stored_utc_ms": stored_utc_ms,
        "payload": status.to_payload(),
    }
    if insert_once(connection, STATUSES, row):
        body: dict[str, int | str] = {"envelope": envelope.hex(), "camera": status.camera.hex()}
        append_record(connection, Happening.STATUS_READ, body)


def status_digests(connection: Connection) -> set[bytes]:
    """Return the digests of all envelopes that are known to hold a status."""
    return {bytes(each) for (each,) in connection.execute(select(STATUSES.c.envelope))}


def newest_statuses(connection: Connection) -> dict[bytes, tuple[int, Status]]:
    """Return the newest status of each camera, with its arrival in milliseconds since 1970."""
    query = select(STATUSES.c.camera, STATUSES.c.stored_utc_ms, STATUSES.c.payload)
    return {
        bytes(camera): (stored_utc_ms, Status.from_payload(bytes(payload)))
        for camera, stored_utc_ms, payload in connection.execute(
            query.order_by(STATUSES.c.stored_utc_ms)
        )
    }


def statuses_of(connection: Connection, camera: bytes) -> list[Status]:
    """Return all stored statuses of one camera, in no order."""
    query = select(STATUSES.c.payload).where(STATUSES.c.camera == camera)
    return [Status.from_payload(bytes(payload)) for (payload,) in connection.execute(query)]


def delete_status(connection: Connection, envelope: bytes) -> None:
    """Delete the status of a destroyed envelope, unless it is its camera's newest."""
    here = STATUSES.c
    camera = connection.execute(select(here.camera).where(here.envelope == envelope)).scalar()
    newest = select(here.envelope).where(here.camera == camera)
    last = connection.execute(newest.order_by(here.stored_utc_ms.desc()).limit(1)).scalar()
    if last is not None and bytes(last) != envelope:
        connection.execute(delete(STATUSES).where(here.envelope == envelope))
