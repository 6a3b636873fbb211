"""Facts about a candidate in words: comparison, sighting, and the list's entry."""

from dataclasses import dataclass
from datetime import UTC, datetime

from estate.opening.terminal import CLOCKS, held_back_words
from estate.signed_site import VerifiedSite
from formats.entry import Entry
from formats.event import PPB, PPM, MatchEvent
from formats.strict_json import UTC_HIGH_S


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: a name, a value, and a note on how sure it is or why."""

    name: str
    value: str
    note: str = ""


def moment(utc_ms: int) -> str:
    """Return a moment in words, from milliseconds since 1970."""
    if utc_ms > 1000 * UTC_HIGH_S:  # A record of the ledger can say more than a calendar holds.
        return f"{utc_ms} ms after 1970"
    return f"{_moment(utc_ms // 1000):%d %B %Y, %H:%M:%S} UTC"


def capture_time(candidate: MatchEvent) -> str:
    """Return the moment of the clearest look."""
    return moment(candidate.captured_utc_ms)


def short_capture_time(candidate: MatchEvent) -> str:
    """Return the moment of the clearest look, short enough for a list."""
    return f"{_moment(candidate.captured_utc_ms // 1000):%d %b, %H:%M:%S} UTC"


def place_of(site: VerifiedSite, candidate: MatchEvent) -> tuple[str, str]:
    """Return where the camera hangs, and the policy's grounds for that place."""
    try:
        found = site.policy.place_of(candidate.camera)
    except KeyError:
        return f"camera {candidate.camera.hex()[:8]}", "no longer in the policy"
    return found.place, found.grounds


def comparison_facts(site: VerifiedSite, candidate: MatchEvent) -> list[Fact]:
    """Return how alike the faces are, and how often strangers are as alike."""
    rate = candidate.predicted_fpir_ppb / PPB
    searched = _list_size(site, candidate)
    often = f"1 in {round(1 / rate):,}" if rate else "fewer than can be told"
    track, quality = candidate.track, candidate.quality
    seconds = (track.last_seen_mono_ns - track.first_seen_mono_ns) / 1e9
    return [
        Fact("Score", f"{candidate.score_ppm / PPM:.3f}", "a likeness, not a probability"),
        Fact("Threshold", f"{candidate.threshold_ppm / PPM:.3f}", "reported from here on"),
        Fact("False alarms", often, f"passers-by at most, worst group measured, {searched}"),
        Fact(
            "Looks",
            f"{track.frames_agreed} agree",
            f"decided {seconds:.1f} s after first sight",
        ),
        Fact(
            "Face",
            f"{quality.face_height_px} px high",
            f"{quality.inter_eye_px} px between the eyes, sharpness "
            f"{quality.sharpness_centi / 100:.1f}, exposure {quality.exposure_centi / 100:.2f}",
        ),
    ]


def sighting_facts(site: VerifiedSite, candidate: MatchEvent) -> list[Fact]:
    """Return where and when the face was seen, and how sure the time is."""
    where, why = place_of(site, candidate)
    return [
        Fact("Place", where, why),
        Fact("Time", capture_time(candidate), CLOCKS[candidate.time_quality]),
        *_held_back(candidate),
        Fact("Lamp", "lit, its current sensed", f"lease {candidate.lease_id.hex()[:16]}"),
        Fact(
            "Kept until",
            f"{_moment(candidate.retain_until_utc_s):%d %B %Y, %H:%M} UTC",
            "longer while two people hold it",
        ),
    ]


def _held_back(candidate: MatchEvent) -> list[Fact]:
    if candidate.held_back is None:
        return []
    note = "without an event of its own; a poster or a guard is found again and again"
    return [Fact("Found before", held_back_words(candidate.held_back), note)]


def entry_facts(entry: Entry | None, candidate: MatchEvent) -> list[Fact]:
    """Return why this person is on the list, and until when."""
    if entry is None:
        version = f"version {candidate.list_version} of the list"
        return [
            Fact(
                "Entry", candidate.entry.hex()[:16], f"{version}, which this office has not stored"
            )
        ]
    return [
        Fact("Category", entry.category, entry.legal_basis),
        Fact(
            "Asked by", entry.organisation, f"{entry.requested_by}; approved: {entry.approved_by}"
        ),
        Fact("Necessity", entry.necessity),
        Fact("Ends", f"{_moment(entry.expires_utc_s):%d %B %Y}", f"source: {entry.source}"),
    ]


def _list_size(site: VerifiedSite, candidate: MatchEvent) -> str:
    if candidate.list_digest == site.digest:
        count = len(site.case.entries)
        return f"with {count} {'entry' if count == 1 else 'entries'} on the list"
    return f"with the list of version {candidate.list_version}"


def _moment(utc_s: int) -> datetime:
    return datetime.fromtimestamp(utc_s, UTC)
