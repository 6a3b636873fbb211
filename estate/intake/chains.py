"""What the headers of kept envelopes tell of a camera: what is missing, forked, or came again.

Every envelope names the one before it, so whatever vanished on the way shows as soon as anything
later arrives, in whatever order. What only the end of a chain lacks does not show here: the
camera's own ledger and its status tell it. Nothing is opened for this.
"""

from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import func, select

from estate.store.envelopes import ENVELOPES, Store
from formats.envelope_header import NO_PREVIOUS

SETTLED_MS: Final = 60_000
"""Events may come in any order: one is missed only when what follows it has waited this long."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Before this envelope of a camera, at least one is missing."""

    camera: bytes
    boot_id: bytes
    sequence: int
    stored_utc_ms: int
    """When the envelope after the gap came."""


@dataclass(frozen=True, slots=True, order=True)
class Fork:
    """A camera, or somebody with its key, continued one envelope in two ways."""

    camera: bytes
    previous: bytes
    """(32,) of the envelope that was continued; `NO_PREVIOUS` where a chain began twice."""
    branches: int


@dataclass(frozen=True, slots=True, order=True)
class Chain:
    """One camera's envelopes."""

    camera: bytes
    events: int
    copies: int
    """Envelopes that came although they were kept already: sent again, or replayed."""
    last_utc_ms: int
    gaps: tuple[Gap, ...]
    forks: tuple[Fork, ...]

    def to_json(self) -> dict[str, object]:
        """Return plain values for other programs, bytes in hex."""
        return _plain(asdict(self))


def chains(store: Store, before_utc_ms: int | None = None) -> list[Chain]:
    """Return what is known of every camera that ever sent, by its id.

    Args:
        store: the envelopes.
        before_utc_ms: leave out gaps that showed only since then.
    """
    table = ENVELOPES.c
    summary = select(
        table.camera,
        func.count(),
        func.sum(table.copies - 1),
        func.max(table.stored_utc_ms),
    ).group_by(table.camera)
    with store.engine.connect() as connection:
        rows = connection.execute(summary).all()
    gaps, forks = _gaps(store, before_utc_ms), _forks(store)
    return sorted(
        Chain(
            camera,
            events,
            int(copies),
            last_utc_ms,
            tuple(gap for gap in gaps if gap.camera == camera),
            tuple(fork for fork in forks if fork.camera == camera),
        )
        for camera, events, copies, last_utc_ms in rows
    )


def _gaps(store: Store, before_utc_ms: int | None) -> list[Gap]:
    later, earlier = ENVELOPES.alias(), ENVELOPES.alias()
    named = (earlier.c.camera == later.c.camera) & (earlier.c.digest == later.c.previous)
    query = (
        select(later.c.camera, later.c.boot_id, later.c.sequence, later.c.stored_utc_ms)
        .select_from(later.outerjoin(earlier, named))
        .where(earlier.c.digest.is_(None), later.c.previous != NO_PREVIOUS)
    )
    if before_utc_ms is not None:
        query = query.where(later.c.stored_utc_ms <= before_utc_ms)
    with store.engine.connect() as connection:
        return sorted(Gap(*row) for row in connection.execute(query))


def _forks(store: Store) -> list[Fork]:
    table = ENVELOPES.c
    query = (
        select(table.camera, table.previous, func.count())
        .group_by(table.camera, table.previous)
        .having(func.count() > 1)
    )
    with store.engine.connect() as connection:
        return sorted(Fork(*row) for row in connection.execute(query))


def _plain(value: object) -> dict[str, object]:
    return {name: _value(item) for name, item in value.items()} if isinstance(value, dict) else {}


def _value(item: object) -> object:
    if isinstance(item, bytes):
        return item.hex()
    if isinstance(item, tuple | list):
        return [_plain(one) for one in item]
    return item
