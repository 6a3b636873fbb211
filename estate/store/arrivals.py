"""Which envelopes no receiver has shown yet, and how often an envelope came again (copies).

They stand in tables of their own: to change a column beside an envelope, SQLite writes its 33 kB
anew. A row is there only while there is something to say: an event that was shown once and came
once has none.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Column, Connection, Integer, LargeBinary, Table, bindparam, delete

from estate.store.insert_once import INSERTS
from estate.store.ledger import METADATA
from formats.envelope import Sealed

UNSHOWN: Final = Table(
    "unshown",
    METADATA,
    Column("event", LargeBinary(32), primary_key=True),
)
COPIES: Final = Table(
    "copies",
    METADATA,
    Column("event", LargeBinary(32), primary_key=True),
    Column("camera", LargeBinary(16), nullable=False),
    Column("again", Integer, nullable=False),  # How often it came although it was stored.
)


def note_new(connection: Connection, group: Sequence[Sealed]) -> None:
    """Note envelopes that were just stored: no receiver has shown them."""
    if group:
        row = INSERTS[connection.dialect.name](UNSHOWN).on_conflict_do_nothing()
        connection.execute(row, [{"event": each.digest} for each in group])


def note_shown(connection: Connection, group: Sequence[Sealed]) -> None:
    """Note that envelopes were shown; in one order for all receivers: else two could deadlock."""
    if not group:
        return
    gone = delete(UNSHOWN).where(UNSHOWN.c.event == bindparam("of_event"))
    connection.execute(gone, [{"of_event": digest} for digest in _ordered(group)])


def note_copies(connection: Connection, group: Sequence[Sealed]) -> None:
    """Count envelopes that came although they were stored."""
    if not group:
        return
    cameras = {each.digest: each.header.sender for each in group}
    row = INSERTS[connection.dialect.name](COPIES).values(again=1)
    counted = row.on_conflict_do_update(
        index_elements=[COPIES.c.event], set_={"again": COPIES.c.again + 1}
    )
    rows = [{"event": digest, "camera": cameras[digest]} for digest in _ordered(group)]
    connection.execute(counted, rows)


def _ordered(group: Sequence[Sealed]) -> list[bytes]:
    return sorted(each.digest for each in group)
