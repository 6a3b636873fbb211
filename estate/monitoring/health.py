"""Health figures (monitoring): cameras, list, certificates, waiting and overdue events.

The figures say nothing about people. For each camera they give its newest event and status, gaps
and forks. They are available as JSON and as Prometheus metrics; `health_text` puts them in words.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from sqlalchemy import select

from estate.errors import BooksRefused, RowRefused
from estate.intake.addressees import misaddressed_by_camera
from estate.intake.chains import Chain, read_chains
from estate.intake.statuses import newest_statuses, status_digests
from estate.retention.proofs import unproven_rows
from estate.signed_site import VerifiedSite
from estate.store.envelopes import ENVELOPES, KEPT, Store
from estate.verdicts.decisions import decided_events
from formats.policy import Place
from formats.status import Status

DAY_H: Final = 24
GRACE_H: Final = 2
"""Retention runs every hour: an event this long past its time is overdue."""


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """One camera's health, by its opaque id."""

    camera: str
    place: str
    last_word_utc_ms: int | None
    """When its newest event was stored; None if there is none."""
    events: int
    gaps: int
    """Number of gaps: places where a newer event shows that events are missing."""
    forks: int
    status_utc_ms: int | None = None
    """When its newest status was stored; None if none was read: the policy may switch it off."""
    looking_s: int | None = None
    """How long it had been looking at the time of the status."""
    list_version: int | None = None
    """Version of the list that it searched at that time."""
    outbox: int | None = None
    """Number of envelopes in its outbox at that time."""
    temperature_c: float | None = None
    misaddressed: int = 0
    """Number of its stored events that are sealed to others than the reviewers."""


@dataclass(frozen=True, slots=True)
class Health:
    """All health figures at one moment."""

    now_utc_s: int
    cameras: Sequence[CameraHealth]
    list_version: int
    list_issued_utc_s: int
    list_expires_utc_s: int
    repository_lapsed: bool
    waiting: int
    """Number of events that two people have not decided."""
    overdue: int
    """Number of events past the policy's retention period: is the timer running?"""
    refused: Sequence[str]
    """A sentence for each event of which the database says more than signatures prove."""
    certificates: dict[str, int]
    """Expiry of each certificate, seconds since 1970, by file name."""
    ledger_key_is_named: bool | None = None
    """Whether the office's ledger key is the one that the site names; None if it has none."""
    missing_certificates: Sequence[str] = ()
    """Destroyed events whose certificate of destruction is not in the books, by digest in hex."""

    def to_json(self) -> dict[str, object]:
        """Return the figures as plain values."""
        return asdict(self)


def read_health(
    store: Store, site: VerifiedSite, certificates: Sequence[Path], now: datetime
) -> Health:
    """Return the health figures at `now`."""
    now_s = int(now.timestamp())
    with store.reading() as connection:
        decided = decided_events(connection, site)
        query = select(ENVELOPES.c.digest, ENVELOPES.c.stored_utc_ms)
        statuses = status_digests(connection, site.reviewers)
        words = newest_statuses(connection, site.reviewers)
        unproven = unproven_rows(connection, site, decided)
        astray = misaddressed_by_camera(connection)
        kept = [
            (bytes(digest), stored_utc_ms)
            for digest, stored_utc_ms in connection.execute(query.where(KEPT))
        ]
    known = {each.camera: each for each in read_chains(store)}
    places = {place.camera.camera_id: place for place in site.policy.places}
    oldest_ms = (now_s - (site.policy.retention_days * DAY_H + GRACE_H) * 3600) * 1000
    return Health(
        now_utc_s=now_s,
        cameras=[
            replace(
                _camera(place, known.get(camera), words.get(camera)), misaddressed=astray[camera]
            )
            for camera, place in places.items()
        ],
        list_version=site.case.version,
        list_issued_utc_s=site.case.issued_utc_s,
        list_expires_utc_s=site.case.expires_utc_s,
        repository_lapsed=site.lapsed is not None,
        waiting=sum(digest not in {*decided, *statuses} for digest, _ in kept),
        overdue=sum(stored < oldest_ms for _, stored in kept),
        refused=[str(RowRefused(event, why)) for event, why in sorted(unproven.items())],
        certificates={path.name: _end_of(path) for path in certificates},
    )


def _camera(place: Place, chain: Chain | None, word: tuple[int, Status] | None) -> CameraHealth:
    camera = place.camera.camera_id.hex()
    if chain is None:
        return CameraHealth(camera, place.place, None, 0, 0, 0)
    gaps, forks = len(chain.gaps), len(chain.forks)
    plain = CameraHealth(camera, place.place, chain.last_utc_ms, chain.events, gaps, forks)
    if word is None:
        return plain
    arrived_utc_ms, status = word
    degrees = None if status.temperature_centi is None else status.temperature_centi / 100
    return replace(
        plain,
        status_utc_ms=arrived_utc_ms,
        looking_s=status.looking_s,
        list_version=status.list_version,
        outbox=status.waiting,
        temperature_c=degrees,
    )


def _end_of(path: Path) -> int:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise BooksRefused(f"{path} is no certificate in PEM: name the broker's.") from error
    return int(certificate.not_valid_after_utc.timestamp())
