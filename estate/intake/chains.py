"""Gaps, forks and copies in each camera's hash chain of events, from envelope headers alone.

Every envelope names the digest of the one before it, so a lost event shows as soon as a later one
arrives. The order of arrival does not matter. Events lost at the end of a chain do not show here;
the camera's ledger and its status show them. No envelope is opened.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Select, func, select

from estate.store.arrivals import COPIES
from estate.store.envelopes import ENVELOPES, Store
from formats.envelope_header import NO_PREVIOUS

SETTLED_MS: Final = 60_000
"""Events may come in any order: a gap is reported when the event after it is older than this."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A gap: before this envelope of a camera, at least one is missing."""

    camera: bytes
    boot_id: bytes
    sequence: int
    stored_utc_ms: int
    """When the envelope after the gap was stored."""


@dataclass(frozen=True, slots=True, order=True)
class Fork:
    """A fork: a camera, or another device with its key, continued one envelope twice."""

    camera: bytes
    previous: bytes
    """(32,) digest of the continued envelope; `NO_PREVIOUS` where a chain began twice."""
    branches: int


@dataclass(frozen=True, slots=True, order=True)
class Chain:
    """One camera's chain of envelopes."""

    camera: bytes
    events: int
    copies: int
    """Envelopes that came although they were stored already: sent again, or replayed."""
    last_utc_ms: int
    """When its newest envelope was stored; 0 if none came yet."""
    gaps: tuple[Gap, ...]
    forks: tuple[Fork, ...]

    def to_json(self) -> dict[str, object]:
        """Return plain values for other programs, bytes in hex."""
        return _plain(asdict(self))


def unheard_chain(camera: bytes) -> Chain:
    """Return the chain of a camera from which nothing came yet."""
    return Chain(camera, events=0, copies=0, last_utc_ms=0, gaps=(), forks=())


def read_chains(store: Store, before_utc_ms: int | None = None) -> list[Chain]:
    """Return the chain of every camera that ever sent an event, sorted by camera id.

    Args:
        store: the envelopes.
        before_utc_ms: leave out gaps whose next envelope was stored after this.
    """
    table = ENVELOPES.c
    summary = select(
        table.camera,
        func.count(),
        func.max(table.stored_utc_ms),
    ).group_by(table.camera)
    again = select(COPIES.c.camera, func.sum(COPIES.c.again)).group_by(COPIES.c.camera)
    with store.reading() as connection:
        rows = connection.execute(summary).all()
        copies = {bytes(camera): int(count) for camera, count in connection.execute(again)}
    gaps, forks = read_losses(store, before_utc_ms=before_utc_ms)
    return sorted(
        Chain(
            camera,
            events,
            copies.get(bytes(camera), 0),
            last_utc_ms,
            tuple(gap for gap in gaps if gap.camera == camera),
            tuple(fork for fork in forks if fork.camera == camera),
        )
        for camera, events, last_utc_ms in rows
    )


def read_losses(
    store: Store, *, since_utc_ms: int | None = None, before_utc_ms: int | None = None
) -> tuple[list[Gap], list[Fork]]:
    """Return gaps and forks, each list sorted.

    Args:
        store: the envelopes.
        since_utc_ms: leave out those that only events stored up to this show. Then the work does
            not grow with what is stored.
        before_utc_ms: leave out gaps whose next envelope was stored after this.
    """
    with store.reading() as connection:
        gaps = sorted(Gap(*row) for row in connection.execute(_gaps(since_utc_ms, before_utc_ms)))
        forks = sorted({Fork(*row) for row in connection.execute(_forks(since_utc_ms))})
    return gaps, forks


def _gaps(since_utc_ms: int | None, before_utc_ms: int | None) -> Select[Any]:
    later, earlier = ENVELOPES.alias(), ENVELOPES.alias()
    named = (earlier.c.camera == later.c.camera) & (earlier.c.digest == later.c.previous)
    query = (
        select(later.c.camera, later.c.boot_id, later.c.sequence, later.c.stored_utc_ms)
        .select_from(later.outerjoin(earlier, named))
        .where(earlier.c.digest.is_(None), later.c.previous != NO_PREVIOUS)
    )
    if before_utc_ms is not None:
        query = query.where(later.c.stored_utc_ms <= before_utc_ms)
    return query if since_utc_ms is None else query.where(later.c.stored_utc_ms > since_utc_ms)


def _forks(since_utc_ms: int | None) -> Select[Any]:
    table = ENVELOPES.c
    if since_utc_ms is None:
        query = select(table.camera, table.previous, func.count())
        return query.group_by(table.camera, table.previous).having(func.count() > 1)
    other = ENVELOPES.alias().c
    same = (other.camera == table.camera) & (other.previous == table.previous)
    branches = select(func.count()).where(same).scalar_subquery()
    query = select(table.camera, table.previous, branches)
    return query.where(table.stored_utc_ms > since_utc_ms, branches > 1)


def _plain(value: object) -> dict[str, object]:
    return {name: _value(item) for name, item in value.items()} if isinstance(value, dict) else {}


def _value(item: object) -> object:
    if isinstance(item, bytes):
        return item.hex()
    if isinstance(item, tuple | list):
        return [_plain(one) for one in item]
    return item
