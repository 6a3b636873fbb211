"""Reviewers' signed acts in the store: hold, release, opened, held a status.

A row is a copy of what a reviewer signed. `proven_acts` verifies each signature each time, and
leaves out what does not hold: such a row has no effect. Whose keys count is the caller's to say,
from the site's signed recipients.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Column, Connection, LargeBinary, String, Table, UniqueConstraint, select

from estate.store.insert_once import insert_once
from estate.store.ledger import METADATA
from formats.act import Act, Kind, claimed_act, read_act
from formats.errors import FormatError
from formats.recipients import Reviewer

ACTS: Final = Table(
    "acts",
    METADATA,
    Column("event", LargeBinary(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("reviewer", LargeBinary(16), nullable=False),
    Column("signed", LargeBinary, nullable=False),
    UniqueConstraint("event", "kind", "reviewer"),
)


def store_act(connection: Connection, signed: bytes) -> bool:
    """Store one signed act once; return whether it is new."""
    act = claimed_act(signed)
    row = {"event": act.event, "kind": str(act.kind), "reviewer": act.reviewer, "signed": signed}
    return insert_once(connection, ACTS, row)


def proven_acts(
    connection: Connection,
    reviewers: Mapping[bytes, Reviewer],
    *kinds: Kind,
    event: bytes | None = None,
) -> list[tuple[Act, Reviewer, bytes]]:
    """Return the acts of these kinds whose signatures hold, each with its author and bytes.

    Args:
        connection: to the store.
        reviewers: by the `sender_id` of their verdict keys, from the site's signed recipients.
        kinds: which acts.
        event: only acts on this event; by default on all.
    """
    query = select(ACTS).where(ACTS.c.kind.in_([str(kind) for kind in kinds]))
    if event is not None:
        query = query.where(ACTS.c.event == event)
    proven = []
    for row in connection.execute(query):
        reviewer = reviewers.get(bytes(row.reviewer))
        if reviewer is None:
            continue
        try:
            act = read_act(bytes(row.signed), reviewer.verdict_key)
        except FormatError:
            continue
        if (act.event, str(act.kind)) == (bytes(row.event), row.kind):
            proven.append((act, reviewer, bytes(row.signed)))
    return proven
