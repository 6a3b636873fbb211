"""Health warnings: each figure in words, marked where it needs action (expiry, gaps, overdue)."""

from dataclasses import dataclass
from typing import Final

from estate.monitoring.health import CameraHealth, Health
from formats.counts import counted

SOON_S: Final = 30 * 86400
"""A certificate that expires within this time must be replaced now."""
NAMED: Final = 3
"""Most events that one line names."""


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One figure in words."""

    name: str
    value: str
    wrong: bool = False
    """Whether the operator must act."""


def health_lines(seen: Health) -> list[HealthLine]:
    """Return the figures in words."""
    found = [_camera(seen, each) for each in seen.cameras]
    repository = "has expired: cameras are dark" if seen.repository_lapsed else "is fresh"
    issued = f"version {seen.list_version}, issued {_ago(seen, seen.list_issued_utc_s)}"
    overdue = f"{seen.overdue}" + (" - run retain" * bool(seen.overdue))
    found += [
        HealthLine("List", issued),
        HealthLine("List ends", *_end(seen, seen.list_expires_utc_s, soon_s=0)),
        HealthLine("Repository", repository, wrong=seen.repository_lapsed),
        HealthLine("Waiting for two people", str(seen.waiting)),
        HealthLine("Older than the policy allows", overdue, wrong=bool(seen.overdue)),
    ]
    found += [HealthLine("Refused", sentence, wrong=True) for sentence in seen.refused]
    if seen.ledger_key_is_named is not None:
        found.append(_ledger_key(is_named=seen.ledger_key_is_named))
    if seen.missing_certificates:
        found.append(HealthLine("Certificates of destruction", _missing(seen), wrong=True))
    for name, end_s in seen.certificates.items():
        found.append(HealthLine(f"Certificate {name}", *_end(seen, end_s, soon_s=SOON_S)))
    return found


def _missing(seen: Health) -> str:
    events = seen.missing_certificates
    named = ", ".join(event[:16] for event in events[:NAMED])
    more = f" and {len(events) - NAMED} more" * (len(events) > NAMED)
    return f"missing for event {named}{more}: run retain, and find out who can change that folder"


def _camera(seen: Health, camera: CameraHealth) -> HealthLine:
    last = "never: check its network, lamp and list"
    if camera.last_word_utc_ms is not None:
        last = _ago(seen, camera.last_word_utc_ms // 1000)
    counts = ((camera.events, "event"), (camera.gaps, "gap"), (camera.forks, "fork"))
    words = f"last event {last}; {', '.join(counted(*each) for each in counts)}"
    words += _misaddressed(camera) + _status(seen, camera)
    wrong = bool(camera.gaps or camera.forks or camera.misaddressed)
    wrong |= not (camera.events or camera.status_utc_ms)
    return HealthLine(f"{camera.place} ({camera.camera[:8]})", words, wrong)


def _ledger_key(*, is_named: bool) -> HealthLine:
    if is_named:
        return HealthLine("Ledger key", "the one that the site names")
    words = "not the one that the site names: retain and checkpoint refuse it"
    return HealthLine("Ledger key", words, wrong=True)


def _misaddressed(camera: CameraHealth) -> str:
    if not camera.misaddressed:
        return ""
    return (
        f"; {camera.misaddressed} sealed to others than the reviewers: take it out of service and "
        "have it examined"
    )


def _status(seen: Health, camera: CameraHealth) -> str:
    if camera.status_utc_ms is None or camera.looking_s is None:
        return ""
    warm = "" if camera.temperature_c is None else f", {camera.temperature_c:.0f} degrees"
    return (
        f"; status {_ago(seen, camera.status_utc_ms // 1000)}: looking for "
        f"{_span(camera.looking_s)}, list version {camera.list_version}, "
        f"{camera.outbox} in its outbox{warm}"
    )


def _ago(seen: Health, utc_s: int) -> str:
    return f"{_span(seen.now_utc_s - utc_s)} ago"


def _end(seen: Health, utc_s: int, *, soon_s: int) -> tuple[str, bool]:
    """Return when something ends or ended, and whether the operator must act."""
    left_s = utc_s - seen.now_utc_s
    words = f"in {_span(left_s)}" if left_s > 0 else f"{_span(-left_s)} ago"
    return words, left_s <= soon_s


def _span(seconds: int) -> str:
    for length, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            count = seconds // length
            return f"{count} {name}{'s' * (count > 1)}"
    return "less than a minute"
