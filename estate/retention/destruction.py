"""It ends: destroys each event when its time has come, or at once when two people did not confirm.

(0) The clock may not stand before any moment that this store has seen: then nothing is decided by
    time. A clock that was set forward by mistake does not shorten anything, either: it must agree
    with the newest record of the ledger to within `LEAP_S`, or a person must say that it is right.
(1) An event's time is what it says itself, as the first reviewer's console read it; one that nobody
    has opened ends with the policy's retention after it was stored.
(2) What two people hold, with a reason, stays until two people release it.
(3) The envelope and its slots are overwritten in place, the write-ahead log is emptied, the file is
    rewritten; only then the certificate is signed, and the ledger says so.

What this reaches and what it cannot reach: docs/decisions/0011.
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
"""A clock this far past the newest record is believed only when a person says so."""
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
    """An event that must be destroyed, and why."""

    event: bytes
    camera: bytes
    ground: Ground


def store_deadline(connection: Connection, event: bytes, retain_until_utc_s: int) -> None:
    """Remember what the event itself says about its end; the earliest word counts."""
    row = {"event": event, "retain_until_utc_s": retain_until_utc_s}
    if not insert_once(connection, DEADLINES, row):
        here = DEADLINES.c
        later = (here.event == event) & (here.retain_until_utc_s > retain_until_utc_s)
        connection.execute(update(DEADLINES).where(later).values(row))


def trusted_now(connection: Connection, now_s: int, *, clock_is_right: bool = False) -> int:
    """Return `now_s` if the clock can be believed, and remember it as the floor.

    Raises:
        BooksRefused: it stands before, or leaps far past, what this store has seen.
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
    """Return what must be destroyed now, oldest first."""
    unconfirmed = {
        bytes(event)
        for event, outcome in connection.execute(select(DECISIONS.c.event, DECISIONS.c.outcome))
        if outcome != Outcome.CONFIRMED
    }
    said = {bytes(event): until for event, until in connection.execute(select(DEADLINES))}
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
            continue  # What is gone without a certificate met a power cut: it is due once more.
        if event in unconfirmed:
            found.append(DueEvent(event, bytes(camera), Ground.NOT_A_MATCH))
        elif event in statuses:
            found.append(DueEvent(event, bytes(camera), Ground.STATUS))
        elif gone or now_s >= min(latest, said.get(event, latest)):
            found.append(DueEvent(event, bytes(camera), Ground.RETENTION))
    return found


def destroy(store: Store, doomed: Sequence[DueEvent], key: SigningKey, folder: Path) -> list[bytes]:
    """Destroy the events; return their signed certificates, which also lie in `folder`.

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
    """Zeros over the blob, then nothing: the row stays, so that a repeat is still recognised."""
    here = ENVELOPES.c.digest == event
    blob = connection.execute(select(ENVELOPES.c.blob).where(here)).scalar() or b""
    connection.execute(update(ENVELOPES).where(here).values(blob=bytes(len(blob))))
    connection.execute(update(ENVELOPES).where(here).values(blob=b""))
    connection.execute(delete(DEADLINES).where(DEADLINES.c.event == event))
    delete_status(connection, event)
    # Verdicts hold no face; what they decided and who gave them is in the ledger for good.
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
