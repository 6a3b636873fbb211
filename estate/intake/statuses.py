"""What cameras last said of themselves, once a reviewer's key has opened it.

Nobody else can tell a status from an event, this office's store included. The console, which opens
everything anyway, notes here what was a status: it waits for nobody's verdict, it is destroyed with
the next run of retention, and the newest of each camera stays as its last word.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, delete, select

from estate.store.envelopes import ENVELOPES
from estate.store.insert_once import insert_once
from estate.store.ledger import METADATA, append
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


def note_status(connection: Connection, envelope: bytes, status: Status) -> None:
    """Write down that an envelope held a status, once."""
    here = ENVELOPES.c
    query = select(here.stored_utc_ms).where(here.digest == envelope)
    stored_utc_ms = connection.execute(query).scalar()
    if stored_utc_ms is None or envelope in noted(connection):
        return
    row = {
        "envelope": envelope,
        "camera": status.camera,
        "stored_utc_ms": stored_utc_ms,
        "payload": status.to_payload(),
    }
    if insert_once(connection, STATUSES, row):
        body: dict[str, int | str] = {"envelope": envelope.hex(), "camera": status.camera.hex()}
        append(connection, Happening.STATUS_READ, body)


def noted(connection: Connection) -> set[bytes]:
    """The digests of all envelopes that are known to hold a status."""
    return {bytes(each) for (each,) in connection.execute(select(STATUSES.c.envelope))}


def last_words(connection: Connection) -> dict[bytes, tuple[int, Status]]:
    """The newest status of each camera, and when it arrived in milliseconds since 1970."""
    query = select(STATUSES.c.camera, STATUSES.c.stored_utc_ms, STATUSES.c.payload)
    return {
        bytes(camera): (stored_utc_ms, Status.from_payload(bytes(payload)))
        for camera, stored_utc_ms, payload in connection.execute(
            query.order_by(STATUSES.c.stored_utc_ms)
        )
    }


def told_by(connection: Connection, camera: bytes) -> list[Status]:
    """What is kept of all that one camera said, in no order."""
    query = select(STATUSES.c.payload).where(STATUSES.c.camera == camera)
    return [Status.from_payload(bytes(payload)) for (payload,) in connection.execute(query)]


def forget_status(connection: Connection, envelope: bytes) -> None:
    """Leave out a status whose envelope was destroyed, unless it is its camera's last word."""
    here = STATUSES.c
    camera = connection.execute(select(here.camera).where(here.envelope == envelope)).scalar()
    newest = select(here.envelope).where(here.camera == camera)
    last = connection.execute(newest.order_by(here.stored_utc_ms.desc()).limit(1)).scalar()
    if last is not None and bytes(last) != envelope:
        connection.execute(delete(STATUSES).where(here.envelope == envelope))
