"""Holds (legal hold): two people keep an event beyond its time, and two people release it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Column, Connection, LargeBinary, String, Table, delete, insert, select

from estate.errors import HoldRefused
from estate.signed_site import VerifiedSite
from estate.store.envelopes import ENVELOPES, Store
from estate.store.ledger import METADATA, append_record
from formats.ledger import Happening
from formats.strict_json import is_printable

REASON_LIMIT: Final = 500
HOLDS: Final = Table(
    "holds",
    METADATA,
    Column("event", LargeBinary(32), primary_key=True),
    Column("first", LargeBinary, nullable=False),
    Column("second", LargeBinary),
    Column("reason", String(REASON_LIMIT), nullable=False),
)


def held_events(connection: Connection) -> set[bytes]:
    """Return the digests of all events that two people hold."""
    query = select(HOLDS.c.event).where(HOLDS.c.second.is_not(None))
    return {bytes(event) for (event,) in connection.execute(query)}


def hold_event(
    store: Store, site: VerifiedSite, event: bytes, reviewers: Sequence[bytes], reason: str
) -> None:
    """Keep an event until two people release it.

    Args:
        store: the store that holds the event.
        site: names the reviewers.
        event: its digest.
        reviewers: ids of two different people, each proven by an unlocked key.
        reason: one line, for the ledger.

    Raises:
        HoldRefused: not two different reviewers, no reason, or no such event.
    """
    first, second = _two(site, reviewers)
    if not reason.strip() or len(reason) > REASON_LIMIT or not is_printable(reason):
        raise HoldRefused(f"A hold needs a reason: one line of 1 to {REASON_LIMIT} characters.")
    with store.writing() as connection:
        append_record(connection, Happening.HELD, _body(event, first, second, reason))
        here = select(ENVELOPES.c.blob).where(ENVELOPES.c.digest == event)
        if not connection.execute(here).scalar():
            raise HoldRefused("There is no such event here: it was destroyed, or never arrived.")
        if event in held_events(connection):
            raise HoldRefused("This event is held already.")
        row = {"event": event, "first": first, "second": second, "reason": reason}
        connection.execute(insert(HOLDS).values(row))


def release_event(
    store: Store, site: VerifiedSite, event: bytes, reviewers: Sequence[bytes], reason: str
) -> None:
    """Release a held event, so that it is destroyed at its time.

    Raises:
        HoldRefused: not two different reviewers, no reason, or it is not held.
    """
    first, second = _two(site, reviewers)
    with store.writing() as connection:
        append_record(connection, Happening.RELEASED, _body(event, first, second, reason))
        if not connection.execute(delete(HOLDS).where(HOLDS.c.event == event)).rowcount:
            raise HoldRefused("This event is not held.")


def _two(site: VerifiedSite, reviewers: Sequence[bytes]) -> tuple[bytes, bytes]:
    named = [site.reviewers[each].name for each in reviewers if each in site.reviewers]
    if len(set(named)) != 2 or len(reviewers) != 2:  # noqa: PLR2004
        raise HoldRefused("Two different reviewers of the site must hold or release together.")
    return reviewers[0], reviewers[1]


def _body(event: bytes, first: bytes, second: bytes, reason: str) -> dict[str, int | str]:
    return {
        "envelope": event.hex(),
        "first": first.hex(),
        "second": second.hex(),
        "reason": reason,
    }
