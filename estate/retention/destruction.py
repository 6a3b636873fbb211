"""Retention: destroys each event at its `retain_until`, or at once after a negative decision.

(0) The clock must be right. If it is before a moment that this store has seen, no event is
    destroyed. If it is more than `LEAP_S` after the newest record of the ledger, it may have been
    set forward by mistake, and a person must confirm it.
(1) An event's time is its own `retain_until`, as the first reviewer's console read it. An event
    that no reviewer has opened is due when the policy's retention period has passed since it was
    stored.
(2) An event that two people hold, with a reason, is not due until two people release it.
(3) The envelope and its slots are overwritten in place, and the write-ahead log is overwritten.
    Only then the certificate of destruction is signed, and the ledger records it.

Which copies this reaches and which it cannot reach: docs/decisions/0011.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Table,
    delete,
    insert,
    select,
    update,
)

from estate.errors import BooksRefused
from estate.intake.statuses import delete_status, status_digests
from estate.retention.holds import held_events
from estate.store.envelopes import ENVELOPES, Store
from estate.store.insert_once import insert_once
from estate.store.ledger import LEDGER, METADATA, append_record
from estate.verdicts.decisions import DECISIONS, VERDICTS, Outcome
from formats.destruction import Destruction, Ground, sign_destruction
from formats.ledger import Happening, Record
from formats.policy import RETENTION_DAYS_LIMIT

DAY_S: Final = 24 * 3600
LEAP_S: Final = 7 * DAY_S
"""A clock further past the newest record is believed only if a person confirms it."""
DEADLINES: Final = Table(
    "deadlines",
    METADATA,
    Column("event", LargeBinary(32), primary_key=True),
    Column("retain_until_utc_s", BigInteger, nullable=False),
)
CERTIFICATES: Final = Table(
    "certificates",
    METADATA,
    Column("event", LargeBinary(32), primary_key=True),
    Column("signed", LargeBinary, nullable=False),
)
CLOCK: Final = Table(
    "clock",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("floor_utc_s", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event that must be destroyed, and the ground."""

    event: bytes
    camera: bytes
    ground: Ground


def store_deadline(connection: Connection, event: bytes, retain_until_utc_s: int) -> None:
    """Store the event's own `retain_until`; the earliest one counts."""
    row = {"event": event, "retain_until_utc_s": retain_until_utc_s}
    if not insert_once(connection, DEADLINES, row):
        here = DEADLINES.c
        later = (here.event == event) & (here.retain_until_utc_s > retain_until_utc_s)
        connection.execute(update(DEADLINES).where(later).values(row))


def trusted_now(connection: Connection, now_s: int, *, clock_is_right: bool = False) -> int:
    """Return `now_s` if the clock can be believed, and store it as the floor.

    Raises:
        BooksRefused: it is before, or more than `LEAP_S` past, what this store has seen.
    """
    floor = connection.execute(select(CLOCK.c.floor_utc_s)).scalar() or 0
    last = connection.execute(select(LEDGER.c.line).order_by(LEDGER.c.seq.desc()).limit(1)).scalar()
    newest = max(floor, 0 if last is None else Record.from_line(bytes(last)).utc_ms // 1000)
    if now_s < newest:
        raise BooksRefused("The clock stands before the newest record: set it, then repeat.")
    if newest and now_s - newest > LEAP_S and not clock_is_right:
        raise BooksRefused(
            "The clock is more than a week past the newest record: if it is right, repeat with "
            "--clock-is-right."
        )
    connection.execute(delete(CLOCK))
    connection.execute(insert(CLOCK).values(one=1, floor_utc_s=now_s))
    return now_s


def due_events(connection: Connection, now_s: int, retention_days: int) -> list[DueEvent]:
    """Return the events that must be destroyed now, oldest first."""
    unconfirmed = {
        bytes(event)
        for event, outcome in connection.execute(select(DECISIONS.c.event, DECISIONS.c.outcome))
        if outcome != Outcome.CONFIRMED
    }
    deadlines = {bytes(event): until for event, until in connection.execute(select(DEADLINES))}
    statuses = status_digests(connection)
    longest_s = min(retention_days, RETENTION_DAYS_LIMIT) * DAY_S
    here, kept = ENVELOPES.c, held_events(connection)
    certified = {bytes(event) for (event,) in connection.execute(select(CERTIFICATES.c.event))}
    query = select(here.digest, here.camera, here.stored_utc_ms, here.blob == b"")
    found = []
    for digest, camera, stored_utc_ms, gone in connection.execute(
        query.order_by(here.stored_utc_ms)
    ):
        event, latest = bytes(digest), stored_utc_ms // 1000 + longest_s
        if event in (certified if gone else kept):
            continue  # An event overwritten without a certificate met a power cut: it is due again.
        if event in unconfirmed:
            found.append(DueEvent(event, bytes(camera), Ground.NOT_A_MATCH))
        elif event in statuses:
            found.append(DueEvent(event, bytes(camera), Ground.STATUS))
        elif gone or now_s >= min(latest, deadlines.get(event, latest)):
            found.append(DueEvent(event, bytes(camera), Ground.RETENTION))
    return found


def destroy(store: Store, doomed: Sequence[DueEvent], key: SigningKey, folder: Path) -> list[bytes]:
    """Destroy the events; return their signed certificates, and write them into `folder`.

    Raises:
        StoreRefused: the store could not be written.
    """
    if not doomed:
        return []
    for each in doomed:
        with store.writing() as connection:
            _overwrite(connection, each.event)
    store.scrub()
    folder.mkdir(parents=True, exist_ok=True)
    signed = [_certify(store, each, key, folder) for each in doomed]
    store.scrub()
    return signed


def _overwrite(connection: Connection, event: bytes) -> None:
    """Overwrite the blob with zeros, then empty it. The row stays, so that a copy is recognised."""
    here = ENVELOPES.c.digest == event
    blob = connection.execute(select(ENVELOPES.c.blob).where(here)).scalar() or b""
    connection.execute(update(ENVELOPES).where(here).values(blob=bytes(len(blob))))
    connection.execute(update(ENVELOPES).where(here).values(blob=b""))
    connection.execute(delete(DEADLINES).where(DEADLINES.c.event == event))
    delete_status(connection, event)
    # The ledger keeps verdicts and decision for good; they hold no face.
    connection.execute(delete(VERDICTS).where(VERDICTS.c.event == event))


def _certify(store: Store, each: DueEvent, key: SigningKey, folder: Path) -> bytes:
    now_ms = time.time_ns() // 1_000_000
    signed = sign_destruction(Destruction(each.event, each.camera, each.ground, now_ms), key)
    with store.writing() as connection:
        connection.execute(delete(CERTIFICATES).where(CERTIFICATES.c.event == each.event))
        connection.execute(insert(CERTIFICATES).values(event=each.event, signed=signed))
        body: dict[str, int | str] = {
            "envelope": each.event.hex(),
            "camera": each.camera.hex(),
            "ground": str(each.ground),
        }
        append_record(connection, Happening.DESTROYED, body)
    (folder / f"{each.event.hex()}.json").write_bytes(signed)
    return signed
