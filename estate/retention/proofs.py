"""What signatures prove about each event: decision, hold, status, end, and time of arrival.

Retention acts on these and on no row. Rows of the database are copies: an attacker who can write
the database can neither hasten nor delay the destruction of an event without its name in the
health view. What remains: records after the newest signed checkpoint can be written anew, so
arrivals since then can be dated back to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from estate.intake.statuses import status_digests, unproven_statuses
from estate.retention.holds import called_held, held_events, held_in_ledger
from estate.signed_site import VerifiedSite
from estate.store.acts import proven_acts
from estate.verdicts.decisions import (
    Outcome,
    decided_events,
    unproven_decisions,
    unproven_verdicts,
)
from formats.act import Kind
from formats.envelope_header import DIGEST_BYTES, ID_BYTES
from formats.hexadecimal import read_hex
from formats.ledger import Happening, Record

VANISHED: Final = "its envelope is gone, and two people hold it"
UNPROVEN_HOLD: Final = "it is called held without two signatures"
STORED_SLACK_S: Final = 3600
"""A row's time of arrival and its record in the ledger differ by less than this."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """What signatures prove about the events in the store."""

    stored_s: Mapping[bytes, int]
    """Arrival of each event, seconds since 1970, by the verified ledger."""
    cameras: Mapping[bytes, bytes]
    """The camera of each event, by the verified ledger."""
    destroyed: frozenset[bytes]
    """Events that the verified ledger calls destroyed."""
    ends_s: Mapping[bytes, int]
    """The earliest `retain_until` of each opened event, as reviewers signed it."""
    rejected: frozenset[bytes]
    """Events of which two people decided that they are no match, or could not tell."""
    statuses: frozenset[bytes]
    held: frozenset[bytes]
    called_held: frozenset[bytes]
    """Events that are called held without two signatures that hold: they are kept, and named."""
    kept: frozenset[bytes]
    """Events that two people hold by their signatures or the ledger, also where no envelope is."""
    unproven: Mapping[bytes, str]
    """Events of which a row says more than signatures do, and what it says. It has no effect."""

    def refusal(self, event: bytes, row_stored_s: int, *, gone: bool) -> str | None:
        """Return why this event may not be destroyed at any time; None if it may."""
        if event in self.called_held and not gone:
            return UNPROVEN_HOLD
        if event in self.kept and gone:
            return VANISHED
        if event not in self.stored_s:
            return "the ledger has no record of its arrival"
        if abs(self.stored_s[event] - row_stored_s) > STORED_SLACK_S:
            return "its row gives another time of arrival than the ledger"
        return None


def read_proofs(
    connection: Connection, site: VerifiedSite | None, records: Sequence[Record]
) -> Proofs:
    """Return what the verified ledger and the reviewers' signatures prove.

    Args:
        connection: to the store.
        site: names the reviewers; None if it cannot be verified: no signature counts then.
        records: of the estate's ledger, verified.
    """
    stored = {
        _event(record): record
        for record in reversed(records)  # The first record of an event counts.
        if record.event is Happening.STORED
    }
    stored_s = {event: record.utc_ms // 1000 for event, record in stored.items()}
    cameras = {event: read_hex(each.body["camera"], ID_BYTES) for event, each in stored.items()}
    gone = frozenset(_event(each) for each in records if each.event is Happening.DESTROYED)
    called = called_held(connection, site, records)
    if site is None:
        nothing = frozenset[bytes]()
        kept = frozenset(held_in_ledger(site, records))
        named = frozenset(called)
        return Proofs(stored_s, cameras, gone, {}, nothing, nothing, nothing, named, kept, {})
    decided, signed = decided_events(connection, site), held_events(connection, site)
    held = signed & called  # The ledger knows a hold; what it calls released is an old copy of one.
    return Proofs(
        stored_s=stored_s,
        cameras=cameras,
        destroyed=gone,
        ends_s=_ends(connection, site),
        rejected=frozenset(
            event for event, outcome in decided.items() if outcome is not Outcome.CONFIRMED
        ),
        statuses=frozenset(status_digests(connection, site.reviewers)),
        held=frozenset(held),
        called_held=frozenset((called | signed) - held),
        kept=frozenset(signed | held_in_ledger(site, records)),
        unproven=unproven_rows(connection, site, decided),
    )


def unproven_rows(
    connection: Connection, site: VerifiedSite, decided: Mapping[bytes, Outcome]
) -> dict[bytes, str]:
    """Return the events of which a row says more than signatures do, and what it says.

    Args:
        connection: to the store.
        site: names the reviewers.
        decided: what signed verdicts decide, from `decided_events`.
    """
    found: dict[bytes, str] = {}
    for events, why in (
        (called_held(connection, site, ()) - held_events(connection, site), UNPROVEN_HOLD),
        (unproven_statuses(connection, site.reviewers), "a row alone calls it a status"),
        (unproven_verdicts(connection, site), "a verdict's row is not what its reviewer signed"),
        (
            unproven_decisions(connection, decided),
            "no two verdicts of named reviewers prove its row",
        ),
    ):
        found |= dict.fromkeys(events, why)
    return found


def _ends(connection: Connection, site: VerifiedSite) -> dict[bytes, int]:
    ends: dict[bytes, int] = {}
    for act, _, _ in proven_acts(connection, site.reviewers, Kind.OPENED):
        until_s = act.retain_until_utc_s
        if until_s is not None:
            ends[act.event] = min(until_s, ends.get(act.event, until_s))
    return ends


def _event(record: Record) -> bytes:
    return read_hex(record.body["envelope"], DIGEST_BYTES)
