"""Cameras' status messages (heartbeats), as a reviewer's console found them in envelopes.

Without a reviewer's key a status cannot be told from an event; the store cannot tell them apart,
either. The console opens every envelope, and stores here which ones held a status, with the
reviewer's signed act. A row without it has no effect. A status needs no verdict. Its envelope is
destroyed by the next run of retention. The newest status of each camera is kept.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from nacl.signing import SigningKey
from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, delete, select

from estate.store.acts import ACTS, proven_acts, store_act
from estate.store.envelopes import ENVELOPES, KEPT
from estate.store.insert_once import insert_once
from estate.store.ledger import METADATA, append_record
from formats.act import Act, Kind, sign_act
from formats.envelope import sender_id
from formats.ledger import Happening
from formats.recipients import Reviewer
from formats.status import Status

STATUSES: Final = Table(
    "statuses",
    METADATA,
    Column("envelope", LargeBinary(32), primary_key=True),
    Column("camera", LargeBinary(16), nullable=False),
    Column("stored_utc_ms", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)


def store_status(
    connection: Connection, envelope: bytes, status: Status, key: SigningKey, now_ms: int
) -> None:
    """Store once that an envelope held a status, with this reviewer's act; record it.

    Args:
        connection: to the store, in a transaction.
        envelope: digest of the sealed envelope.
        status: what it held.
        key: the reviewer's verdict key, which signs the act.
        now_ms: the reviewer's clock, milliseconds since 1970.
    """
    here = ENVELOPES.c
    query = select(here.stored_utc_ms).where(here.digest == envelope)
    stored_utc_ms = connection.execute(query).scalar()
    if stored_utc_ms is None:
        return
    payload = status.to_payload()
    digest, me = sha256(payload).digest(), sender_id(key.verify_key)
    if not store_act(
        connection, sign_act(Act(Kind.STATUS, envelope, me, now_ms, status=digest), key)
    ):
        return
    row = {
        "envelope": envelope,
        "camera": status.camera,
        "stored_utc_ms": stored_utc_ms,
        "payload": payload,
    }
    if insert_once(connection, STATUSES, row):
        body: dict[str, int | str] = {"envelope": envelope.hex(), "camera": status.camera.hex()}
        append_record(connection, Happening.STATUS_READ, body)


def status_digests(connection: Connection, reviewers: Mapping[bytes, Reviewer]) -> set[bytes]:
    """Return the digests of all envelopes that a reviewer has found to hold a status."""
    return {act.event for act, _, _ in proven_acts(connection, reviewers, Kind.STATUS)}


def newest_statuses(
    connection: Connection, reviewers: Mapping[bytes, Reviewer]
) -> dict[bytes, tuple[int, Status]]:
    """Return the newest status of each camera, with its arrival in milliseconds since 1970."""
    return {
        status.camera: (stored_utc_ms, status)
        for stored_utc_ms, status in _proven_statuses(connection, reviewers)
    }


def statuses_of(
    connection: Connection, reviewers: Mapping[bytes, Reviewer], camera: bytes
) -> list[Status]:
    """Return all stored statuses of one camera, oldest first."""
    proven = _proven_statuses(connection, reviewers)
    return [status for _, status in proven if status.camera == camera]


def unproven_statuses(connection: Connection, reviewers: Mapping[bytes, Reviewer]) -> set[bytes]:
    """Return the stored envelopes of which a row alone says that they held a status."""
    here = select(ENVELOPES.c.digest).where(KEPT)
    query = select(STATUSES.c.envelope).where(STATUSES.c.envelope.in_(here))
    rows = {bytes(each) for (each,) in connection.execute(query)}
    return rows - status_digests(connection, reviewers)


def delete_status(connection: Connection, envelope: bytes) -> None:
    """Delete the status of a destroyed envelope and its acts, unless it is its camera's newest."""
    here = STATUSES.c
    camera = connection.execute(select(here.camera).where(here.envelope == envelope)).scalar()
    newest = select(here.envelope).where(here.camera == camera)
    last = connection.execute(newest.order_by(here.stored_utc_ms.desc()).limit(1)).scalar()
    if last is not None and bytes(last) != envelope:
        connection.execute(delete(STATUSES).where(here.envelope == envelope))
        connection.execute(delete(ACTS).where(ACTS.c.event == envelope))


def _proven_statuses(
    connection: Connection, reviewers: Mapping[bytes, Reviewer]
) -> list[tuple[int, Status]]:
    """Return the statuses whose content a reviewer has signed, oldest first, with their arrival."""
    acts = proven_acts(connection, reviewers, Kind.STATUS)
    signed = {(act.event, act.status) for act, _, _ in acts}
    query = select(STATUSES).order_by(STATUSES.c.stored_utc_ms)
    return [
        (row.stored_utc_ms, Status.from_payload(bytes(row.payload)))
        for row in connection.execute(query)
        if (bytes(row.envelope), sha256(bytes(row.payload)).digest()) in signed
    ]
