"""Retention: destroys each event at its `retain_until`, or at once after a negative decision.

(0) The clock must be right. If it is before a moment that this store has seen, no event is
    destroyed. If it is more than `LEAP_S` after the newest record of the ledger, it may have been
    set forward by mistake, and a person must confirm it.
(1) An event's time is its own `retain_until`, as a reviewer's console read and signed it. An event
    that no reviewer has opened is due when the policy's retention period has passed since it was
    stored, by the estate's verified ledger.
(2) An event that two people hold, with a reason, is not due until two people release it.
(3) A decision, a hold, a status and an end count as far as reviewers' signatures prove them. An
    event of which a row says more is named, and not destroyed on the strength of that row.
(4) The envelope and its slots are overwritten in place, and the write-ahead log is overwritten.
    Only then the certificate of destruction is signed, and the ledger records it.

Which copies this reaches and which it cannot reach: docs/decisions/0011.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey
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

from estate.errors import BooksRefused, RowRefused
from estate.intake.statuses import delete_status
from estate.retention.holds import held_events
from estate.retention.proofs import read_proofs
from estate.signed_site import VerifiedSite
from estate.store.acts import ACTS, store_act
from estate.store.envelopes import ENVELOPES, KEPT, Store
from estate.store.ledger import LEDGER, METADATA, append_record, lock_ledger
from estate.verdicts.decisions import VERDICTS
from formats.act import Act, Kind, sign_act
from formats.destruction import Destruction, Ground, sign_destruction
from formats.envelope import sender_id
from formats.event import MatchEvent
from formats.ledger import Happening, Record
from formats.policy import RETENTION_DAYS_LIMIT
from formats.whole_file import write_whole

DAY_S: Final = 24 * 3600
LEAP_S: Final = 7 * DAY_S
"""A clock further past the newest record is believed only if a person confirms it."""
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
    Column("signature", LargeBinary),
)
_CLOCK_DOMAIN: Final = b"tallylight-clock-v1\0"


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event that must be destroyed, and the ground."""

    event: bytes
    camera: bytes
    ground: Ground


@dataclass(frozen=True, slots=True)
class Due:
    """What must be destroyed now, and what is refused because its rows prove nothing."""

    doomed: Sequence[DueEvent]
    """Oldest first."""
    refused: Sequence[RowRefused]
    """What rows say without proof. None of it has hastened or delayed a destruction, except that an
    event that is called held, or whose arrival is unknown, stays."""


def store_end(connection: Connection, event: MatchEvent, digest: bytes, key: SigningKey) -> None:
    """Store the reviewer's signed word on when an event ends, once for each reviewer."""
    act = Act(
        Kind.OPENED,
        digest,
        sender_id(key.verify_key),
        time.time_ns() // 1_000_000,
        retain_until_utc_s=event.retain_until_utc_s,
    )
    store_act(connection, sign_act(act, key))


def trusted_now(
    connection: Connection, now_s: int, key: SigningKey, *, clock_is_right: bool = False
) -> int:
    """Return `now_s` if the clock can be believed, and store it as the floor, signed.

    A floor that the estate's key has not signed does not count.

    Raises:
        BooksRefused: it is before, or more than `LEAP_S` past, what this store has seen.
    """
    last = connection.execute(select(LEDGER.c.line).order_by(LEDGER.c.seq.desc()).limit(1)).scalar()
    recorded_s = 0 if last is None else Record.from_line(bytes(last)).utc_ms // 1000
    newest = max(_floor(connection, key.verify_key), recorded_s)
    if now_s < newest:
        raise BooksRefused("The clock stands before the newest record: set it, then repeat.")
    if newest and now_s - newest > LEAP_S and not clock_is_right:
        raise BooksRefused(
            "The clock is more than a week past the newest record: if it is right, repeat with "
            "--clock-is-right."
        )
    signature = key.sign(_clock_statement(now_s)).signature
    connection.execute(delete(CLOCK))
    connection.execute(insert(CLOCK).values(one=1, floor_utc_s=now_s, signature=signature))
    return now_s


def due_events(
    connection: Connection,
    site: VerifiedSite | None,
    records: Sequence[Record],
    now_s: int,
    retention_days: int,
) -> Due:
    """Return the events that must be destroyed now, and those whose rows are refused.

    Args:
        connection: to the store.
        site: names the reviewers whose signatures count; None if it cannot be verified.
        records: of the estate's ledger, verified.
        now_s: the trusted time, seconds since 1970.
        retention_days: by the policy.
    """
    proofs = read_proofs(connection, site, records)
    longest_s = min(retention_days, RETENTION_DAYS_LIMIT) * DAY_S
    here = ENVELOPES.c
    query = select(here.digest, here.stored_utc_ms, ~KEPT)
    doomed, refused = [], []
    for digest, stored_utc_ms, gone in connection.execute(query.order_by(here.stored_utc_ms)):
        event = bytes(digest)
        if event in (proofs.destroyed if gone else proofs.held):
            continue
        why = proofs.refusal(event, stored_utc_ms // 1000, gone=gone)
        if why is not None:
            refused.append(RowRefused(event, why))
            continue
        if event in proofs.unproven and not gone:
            refused.append(RowRefused(event, proofs.unproven[event]))  # Its time still counts.
        end_s = proofs.stored_s[event] + longest_s
        ground = None
        if event in proofs.rejected:
            ground = Ground.NOT_A_MATCH
        elif event in proofs.statuses:
            ground = Ground.STATUS
        elif now_s >= min(end_s, proofs.ends_s.get(event, end_s)):
            ground = Ground.RETENTION
        kept = event in proofs.held or event in proofs.called_held
        if gone and (ground is None or kept):
            refused.append(RowRefused(event, "its envelope is gone before its time"))
        elif ground is not None:  # Without an envelope: a power cut came before its certificate.
            doomed.append(DueEvent(event, proofs.cameras[event], ground))
    return Due(doomed, refused)


def destroy(
    store: Store,
    doomed: Sequence[DueEvent],
    key: SigningKey,
    folder: Path,
    site: VerifiedSite | None = None,
) -> list[bytes]:
    """Destroy the events; return their signed certificates, and write them into `folder`.

    Args:
        store: that holds them.
        doomed: the events.
        key: the estate's ledger key.
        folder: for the certificates.
        site: names the reviewers: what two of them have held since is left out. None after a
            restore, which brings holds back that had ended.

    Raises:
        StoreRefused: the store could not be written.
    """
    if not doomed:
        return []
    gone = []
    for each in doomed:
        with store.writing() as connection:
            lock_ledger(connection)
            if site is not None and held_events(connection, site, each.event):
                continue
            _overwrite(connection, each.event)
        gone.append(each)
    store.scrub()
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    signed = [_certify(store, each, key, folder) for each in gone]
    store.scrub()
    return signed


def _overwrite(connection: Connection, event: bytes) -> None:
    """Overwrite the blob with zeros, then empty it. The row stays, so that a copy is recognised."""
    here = ENVELOPES.c.digest == event
    blob = connection.execute(select(ENVELOPES.c.blob).where(here)).scalar() or b""
    connection.execute(update(ENVELOPES).where(here).values(blob=bytes(len(blob))))
    connection.execute(update(ENVELOPES).where(here).values(blob=b""))


def _forget(connection: Connection, event: bytes) -> None:
    """Delete what proved that an event was due, once its certificate is stored."""
    ours = ACTS.c.kind != str(Kind.STATUS)
    connection.execute(delete(ACTS).where((ACTS.c.event == event) & ours))
    delete_status(connection, event)
    # The ledger keeps verdicts and decision for good; they hold no face.
    connection.execute(delete(VERDICTS).where(VERDICTS.c.event == event))


def _floor(connection: Connection, key: VerifyKey) -> int:
    """Return the stored floor, if the estate's key has signed it; else 0."""
    row = connection.execute(select(CLOCK)).first()
    if row is None or row.signature is None:
        return 0
    try:
        key.verify(_clock_statement(row.floor_utc_s), bytes(row.signature))
    except (CryptoError, ValueError):
        return 0
    return int(row.floor_utc_s)


def _clock_statement(floor_utc_s: int) -> bytes:
    return _CLOCK_DOMAIN + str(floor_utc_s).encode()


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
        _forget(connection, each.event)
    write_whole(folder / f"{each.event.hex()}.json", signed)
    return signed
