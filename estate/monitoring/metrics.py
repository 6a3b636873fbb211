"""The health figures in Prometheus' text format: HELP and TYPE of each, and nothing about people.

No name, place or event digest is in it. Silence can alert: the time of each camera's last event and
last status are metrics, and both are 0 for a camera that was never heard.
"""

from collections.abc import Iterator, Sequence

from estate.monitoring.health import CameraHealth, Health
from formats import VERSION


def prometheus_text(health: Health) -> str:
    """Return the figures in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    for name, kind, about, samples in _metrics(health):
        lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{labels} {value}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _metrics(
    health: Health,
) -> Iterator[tuple[str, str, str, Sequence[tuple[str, float]]]]:
    """Yield each metric: name, type, help, and its samples as labels and value."""
    build = [(f'{{version="{VERSION}"}}', 1.0)]
    figures: Sequence[tuple[str, str, str, Sequence[tuple[str, float]]]] = (
        ("build_info", "gauge", "Version of the estate's programs.", build),
        ("events_total", "counter", "Events that arrived.", _each(health, "events")),
        ("gaps", "gauge", "Places at which events are missing.", _each(health, "gaps")),
        ("forks", "gauge", "Events that were continued twice.", _each(health, "forks")),
        (
            "misaddressed",
            "gauge",
            "Stored events that are sealed to others than the reviewers.",
            _each(health, "misaddressed"),
        ),
        (
            "last_event_timestamp_seconds",
            "gauge",
            "Arrival of the newest event; 0: none yet.",
            _times(health, "last_word_utc_ms"),
        ),
        (
            "status_timestamp_seconds",
            "gauge",
            "Arrival of the newest status; 0: none was read.",
            _times(health, "status_utc_ms"),
        ),
        ("outbox", "gauge", "Envelopes that wait on the camera.", _each(health, "outbox")),
        (
            "camera_list_version",
            "gauge",
            "Version of the list that the camera searches.",
            _each(health, "list_version"),
        ),
        (
            "temperature_celsius",
            "gauge",
            "Temperature of the camera.",
            _each(health, "temperature_c"),
        ),
        ("list_version", "gauge", "Newest published list.", [("", health.list_version)]),
        (
            "list_issued_timestamp_seconds",
            "gauge",
            "When the list was issued.",
            [("", health.list_issued_utc_s)],
        ),
        (
            "list_expires_timestamp_seconds",
            "gauge",
            "When the list ends.",
            [("", health.list_expires_utc_s)],
        ),
        (
            "repository_lapsed",
            "gauge",
            "1 if the site's repository has expired: cameras are dark.",
            [("", int(health.repository_lapsed))],
        ),
        ("events_waiting", "gauge", "Events without a decision.", [("", health.waiting)]),
        ("events_overdue", "gauge", "Events past the policy's time.", [("", health.overdue)]),
        (
            "rows_refused",
            "gauge",
            "Events of which the database says more than signatures prove.",
            [("", len(health.refused))],
        ),
        (
            "ledger_key_named",
            "gauge",
            "1 if the office's ledger key is the one that the site names.",
            [] if health.ledger_key_is_named is None else [("", int(health.ledger_key_is_named))],
        ),
        (
            "missing_certificates",
            "gauge",
            "Destroyed events whose certificate of destruction is not in the books.",
            [("", len(health.missing_certificates))],
        ),
        (
            "certificate_expires_timestamp_seconds",
            "gauge",
            "Expiry of a certificate.",
            [(f'{{file="{name}"}}', end_s) for name, end_s in health.certificates.items()],
        ),
    )
    for name, kind, about, samples in figures:
        yield f"tallylight_{name}", kind, about, samples


def _each(health: Health, field: str) -> Sequence[tuple[str, float]]:
    """Return one figure of every camera that has it."""
    values = [(_label(camera), getattr(camera, field)) for camera in health.cameras]
    return [(label, value) for label, value in values if value is not None]


def _times(health: Health, field: str) -> Sequence[tuple[str, float]]:
    """Return one time of every camera, in seconds; 0 if it never was."""
    return [(_label(each), (getattr(each, field) or 0) / 1000) for each in health.cameras]


def _label(camera: CameraHealth) -> str:
    return f'{{camera="{camera.camera}"}}'
