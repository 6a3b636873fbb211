"""Holds (legal hold): two people keep an event beyond its time, and two people release it.

Each of the two signs with their own key at their own machine. The first proposes with a reason. The
second sees who proposes what, and signs the same reason. A hold or release counts while both
signatures hold; the ledger's record carries them. A signature that stands in the ledger makes no
other hold or release (replay). A row that a database's owner writes is no hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from threading import Lock
from typing import Final

from nacl.signing import SigningKey
from sqlalchemy import Column, Connection, LargeBinary, String, Table, delete, select

from estate.errors import HoldRefused
from estate.signed_site import VerifiedSite, store_list
from estate.store.acts import ACTS, proven_acts, store_act
from estate.store.envelopes import ENVELOPES, KEPT, Store
from estate.store.ledger import METADATA, LedgerReader, append_record, ledger_records, lock_ledger
from formats.act import (
    BOTH,
    REASON_LIMIT,
    Act,
    Kind,
    recorded_acts,
    sign_act,
    signature_of,
    verify_act,
)
from formats.envelope import sender_id
from formats.envelope_header import DIGEST_BYTES
from formats.errors import FormatError, Malformed
from formats.hexadecimal import read_hex
from formats.ledger import Happening, Record
from formats.organisations import folded
from formats.recipients import Reviewer

OLD_HOLDS: Final = Table(
    "holds",
    METADATA,
    Column("event", LargeBinary(32), primary_key=True),
    Column("first", LargeBinary, nullable=False),
    Column("second", LargeBinary),
    Column("reason", String(500), nullable=False),
)
"""Holds of versions before signed acts. They prove nothing: such an event is refused by name."""
_REASON: Final = f"A hold needs a reason: one line of 1 to {REASON_LIMIT} characters."
_RECORDS: Final = {Kind.HOLD: Happening.HELD, Kind.RELEASE: Happening.RELEASED}


@dataclass(frozen=True, slots=True)
class Signature:
    """One person's half of a hold or a release, verified."""

    act: Act
    reviewer: Reviewer
    data: bytes


@dataclass(frozen=True, slots=True)
class Holding:
    """What people have signed about keeping one event."""

    held: tuple[Signature, Signature] | None = None
    """The two who hold it, in the order of their times; None if it is not held."""
    asked: tuple[Signature, ...] = ()
    """Who asks to hold it or, if it is held, to release it: a second person has not signed yet."""

    @property
    def wanted(self) -> Kind:
        """What can be asked for: a hold or, if it is held, a release."""
        return Kind.RELEASE if self.held else Kind.HOLD


@dataclass(slots=True)
class Holds:
    """Every hold and release; each call reads what the ledger recorded since."""

    _reader: LedgerReader = field(
        default_factory=lambda: LedgerReader((Happening.HELD, Happening.RELEASED))
    )
    _lock: Lock = field(default_factory=Lock, repr=False)

    def of_events(
        self, connection: Connection, site: VerifiedSite, event: bytes | None = None
    ) -> dict[bytes, Holding]:
        """Return what `holdings` does, by what the ledger has recorded so far.

        Raises:
            BooksRefused: the ledger is broken.
        """
        with self._lock:
            return holdings(connection, site, self._reader.records(connection), event)


def holdings(
    connection: Connection,
    site: VerifiedSite,
    records: Sequence[Record],
    event: bytes | None = None,
) -> dict[bytes, Holding]:
    """Return what people have signed about each event, or about one.

    Only signatures count that hold, by reviewers whom the site names now. A hold counts while the
    ledger has it. A signature that the ledger has is spent: it asks for nothing more.

    Args:
        connection: to the store.
        site: names the reviewers.
        records: `held` and `released` of the estate's ledger, in order; others are ignored.
        event: only this one; by default all.
    """
    signed: dict[bytes, list[Signature]] = {}
    for each in proven_acts(connection, site.reviewers, *_RECORDS, event=event):
        signed.setdefault(each[0].event, []).append(Signature(*each))
    in_ledger, spent = held_in_ledger(site, records), _spent(records)
    found = {}
    for digest, signatures in signed.items():
        holds = [each for each in signatures if each.act.kind is Kind.HOLD]
        held = _agreed(holds) if digest in in_ledger else None
        wanted = Holding(held).wanted
        asked = [
            each
            for each in _in_order(signatures)
            if each.act.kind is wanted and signature_of(each.data).hex() not in spent
        ]
        found[digest] = Holding(held, tuple(asked))
    return found


def held_events(
    connection: Connection, site: VerifiedSite, event: bytes | None = None
) -> set[bytes]:
    """Return the digests of all events, or of one, that two people hold, by their signatures."""
    by_event: dict[bytes, list[Signature]] = {}
    for each in proven_acts(connection, site.reviewers, Kind.HOLD, event=event):
        by_event.setdefault(each[0].event, []).append(Signature(*each))
    return {event for event, signatures in by_event.items() if _agreed(signatures)}


def called_held(
    connection: Connection, site: VerifiedSite | None, records: Sequence[Record]
) -> set[bytes]:
    """Return the stored events that a row or the ledger calls held; it may be untrue.

    Args:
        connection: to the store.
        site: names the reviewers; None if it cannot be verified: no release counts then.
        records: of the estate's ledger, verified; a hold in it ends with a signed release.
    """
    called = {bytes(event) for (event,) in connection.execute(select(OLD_HOLDS.c.event))}
    called |= held_in_ledger(site, records)
    here = select(ENVELOPES.c.digest).where(KEPT)
    return called & {bytes(event) for (event,) in connection.execute(here)}


def hold_event(  # noqa: PLR0913, PLR0917  # Store, site, and what a person signs.
    store: Store, site: VerifiedSite, event: bytes, key: SigningKey, reason: str, now_ms: int
) -> bool:
    """Sign one person's half of a hold; return whether two people hold the event now.

    Args:
        store: the store that holds the event.
        site: names the reviewers.
        event: its digest.
        key: this person's verdict key.
        reason: one line, for the ledger; the second person's must be the first person's.
        now_ms: this person's clock, milliseconds since 1970.

    Raises:
        HoldRefused: no reviewer, no reason or another one, no such event, or it is held already.
    """
    return _sign_half(
        store, site, Act(Kind.HOLD, event, sender_id(key.verify_key), now_ms, reason), key
    )


def release_event(  # noqa: PLR0913, PLR0917  # As of a hold.
    store: Store, site: VerifiedSite, event: bytes, key: SigningKey, reason: str, now_ms: int
) -> bool:
    """Sign one person's half of a release; return whether the event is released now.

    Raises:
        HoldRefused: as of `hold_event`, or it is not held.
    """
    return _sign_half(
        store, site, Act(Kind.RELEASE, event, sender_id(key.verify_key), now_ms, reason), key
    )


def _sign_half(store: Store, site: VerifiedSite, act: Act, key: SigningKey) -> bool:
    if act.reviewer not in site.reviewers:
        raise HoldRefused(
            "The site names no reviewer with this key: have them added and published."
        )
    try:
        signed = sign_act(act, key)
    except Malformed as error:
        raise HoldRefused(_REASON) from error
    if not (act.reason or "").strip():
        raise HoldRefused(_REASON)
    with store.writing() as connection:
        lock_ledger(connection)  # The other person may sign now, or retention destroy the event.
        store_list(connection, site)  # So that the ledger names the recipients that count here.
        records = ledger_records(connection)
        _check(connection, site, act, records)
        mine = (ACTS.c.event == act.event) & (ACTS.c.kind == str(act.kind))
        connection.execute(delete(ACTS).where(mine & (ACTS.c.reviewer == act.reviewer)))
        store_act(connection, signed)
        agreed = _agreed(holdings(connection, site, records, act.event)[act.event].asked)
        if not agreed:
            return False
        append_record(connection, _RECORDS[act.kind], _body(agreed))
        if act.kind is Kind.RELEASE:
            both = ACTS.c.kind.in_([str(Kind.HOLD), str(Kind.RELEASE)])
            connection.execute(delete(ACTS).where((ACTS.c.event == act.event) & both))
        return True


def _check(connection: Connection, site: VerifiedSite, act: Act, records: Sequence[Record]) -> None:
    here = select(ENVELOPES.c.blob).where(ENVELOPES.c.digest == act.event)
    if not connection.execute(here).scalar():
        raise HoldRefused("There is no such event here: it was destroyed, or never arrived.")
    holding = holdings(connection, site, records, act.event).get(act.event, Holding())
    held = holding.held is not None
    if act.kind is Kind.HOLD and held:
        raise HoldRefused("This event is held already.")
    if act.kind is Kind.RELEASE and not held:
        raise HoldRefused("This event is not held.")
    for other in holding.asked:
        if other.act.reviewer != act.reviewer and other.act.reason != act.reason:
            raise HoldRefused(
                f"{other.reviewer.name} has signed another reason: sign the same one, or agree "
                "first."
            )


def held_in_ledger(site: VerifiedSite | None, records: Sequence[Record]) -> set[bytes]:
    """Return the events whose last word in the ledger is a hold."""
    called = set()
    for record in records:
        if record.event is Happening.HELD and "first_signature" in record.body:
            called.add(_event(record))
        elif record.event is Happening.RELEASED and site and _signed_by_two(site, record):
            called.discard(_event(record))
    return called


def _spent(records: Sequence[Record]) -> set[int | str | None]:
    """Return the signatures that a hold or a release in the ledger carries."""
    return {
        record.body.get(f"{which}_signature")
        for record in records
        if record.event in _RECORDS.values()
        for which in BOTH
    }


def _in_order(signatures: Sequence[Signature]) -> list[Signature]:
    return sorted(signatures, key=lambda each: each.act.given_utc_ms)


def _agreed(signatures: Sequence[Signature]) -> tuple[Signature, Signature] | None:
    """Return the two acts of different people with one reason; None without them."""
    for first, second in combinations(_in_order(signatures), 2):
        same = first.act.reason == second.act.reason
        if same and folded(first.reviewer.name) != folded(second.reviewer.name):
            return first, second
    return None


def _body(agreed: tuple[Signature, Signature]) -> dict[str, int | str]:
    act = agreed[0].act
    body: dict[str, int | str] = {"envelope": act.event.hex(), "reason": act.reason or ""}
    for which, each in zip(BOTH, agreed, strict=True):
        body[which] = each.act.reviewer.hex()
        body[f"{which}_utc_ms"] = each.act.given_utc_ms
        body[f"{which}_signature"] = signature_of(each.data).hex()
    return body


def _signed_by_two(site: VerifiedSite, record: Record) -> bool:
    """Return whether a release in the ledger carries two people's signatures."""
    names = set()
    try:
        for act, signature in recorded_acts(record.body, Kind.RELEASE):
            reviewer = site.reviewers[act.reviewer]
            verify_act(act, signature, reviewer.verdict_key)
            names.add(folded(reviewer.name))
    except (KeyError, FormatError):
        return False
    return len(names) == 2  # noqa: PLR2004  # Two people.


def _event(record: Record) -> bytes:
    return read_hex(record.body["envelope"], DIGEST_BYTES)
