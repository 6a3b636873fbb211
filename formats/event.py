"""The match event: a candidate above the threshold, with all that the comparison rested on.

A `MatchEvent` is made once, sealed at once (`formats.message`) and opened by a reviewer. It states
list, model, policy, threshold, light and quality, so that two reviewers can judge it and others can
check it later. It decides nothing: it is a candidate, not a match. Its repr shows nothing.
"""

from base64 import b64encode
from dataclasses import asdict, dataclass
from typing import Final

from formats.envelope_header import DIGEST_BYTES, ID_BYTES, TimeQuality
from formats.errors import Malformed
from formats.strict_json import UTC_HIGH_S, Fields, JsonValue, dumps, parse

PAYLOAD_LIMIT: Final = 32 * 1024 - 44
"""Bytes that fit the one bucket of an event, beside the 44 that the envelope repeats inside."""
CROP_LIMIT: Final = 22 * 1024
"""Longest JPEG: in base64 it leaves 2,684 bytes for the other fields, which need at most 2,300."""
TEXT_LIMIT: Final = 64
"""Longest site or runtime name, in characters."""
PPM: Final = 1_000_000
"""Parts per million in one."""
PPB: Final = 1_000_000_000
"""Parts per billion in one."""

_WORD: Final = "candidate"  # A status has the same envelope kind, size and sequence.


@dataclass(frozen=True, slots=True)
class Track:
    """The track of one face: how long it was followed, and how many looks agreed.

    Raises:
        Malformed: it ends before it begins, or more frames agreed than were seen.
    """

    first_seen_mono_ns: int
    """First sight: CLOCK_MONOTONIC of the first frame with this face."""
    last_seen_mono_ns: int
    """Deciding frame: CLOCK_MONOTONIC of the frame in which the vote was won."""
    frames_seen: int
    """Frames in which the face was found; not all of them were looked at."""
    frames_agreed: int
    """Looks in the sums whose best entry was the candidate, above the threshold."""

    def __post_init__(self) -> None:
        if self.last_seen_mono_ns < self.first_seen_mono_ns:
            raise Malformed("The track ends before it begins.")
        if not 1 <= self.frames_agreed <= self.frames_seen:
            raise Malformed("The track has no frame that agrees, or more than were seen.")


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of the face in the clearest look, by the same measures as at enrolment."""

    face_height_px: int
    """Height of the face's box in the frame."""
    inter_eye_px: int
    """Distance between the eyes in the frame."""
    sharpness_centi: int
    """Sharpness measure times 100."""
    exposure_centi: int
    """Exposure measure times 100."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """How often the entry was found before without an event of its own.

    A camera pauses an entry that it has just reported. An entry with a high count is more often a
    poster or a guard than a passer-by.
    """

    times: int
    """From 1: since the entry's event before."""
    since_utc_s: int
    """When that event was, by the camera's clock, seconds since 1970."""


@dataclass(frozen=True, slots=True, repr=False)
class MatchEvent:
    """One candidate, with all that it rests on.

    Raises:
        Malformed: the score is below the threshold, or the clearest look is outside the track.
    """

    camera: bytes
    """(16,) `sender_id` of the camera."""
    site: str
    """The site whose list was searched."""
    boot_id: bytes
    """(16,) random, one per start of the camera."""
    sequence: int
    """From 1, never used twice in one boot."""
    captured_utc_ms: int
    """Clearest look that agreed: its time by the camera's clock, milliseconds since 1970."""
    captured_mono_ns: int
    """CLOCK_MONOTONIC of the same."""
    time_quality: TimeQuality
    """How far `captured_utc_ms` can be believed."""
    entry: bytes
    """(16,) random handle of the entry on the list; never a name."""
    score_ppm: int
    """Cosine similarity of face and entry, -1,000,000 to 1,000,000."""
    threshold_ppm: int
    """The score from which on this camera reported a candidate."""
    predicted_fpir_ppb: int
    """Chance that one search of a stranger passes this threshold with this list."""
    list_version: int
    """Version of the list, from 1."""
    list_digest: bytes
    """(32,) digest of the list."""
    model_digest: bytes
    """(32,) digest of models and preprocessing."""
    runtime: str
    """What ran the models, with its version."""
    policy_digest: bytes
    """(32,) digest of the policy in force."""
    lease_id: bytes
    """(16,) the lamp lease under which the face was seen."""
    firmware_digest: bytes
    """(32,) digest of the camera's programs."""
    track: Track
    """The face over time."""
    quality: Quality
    """The face in the clearest look."""
    crop_jpeg: bytes | None
    """The face, if the policy allows a crop."""
    retain_until_utc_s: int
    """When the event must be destroyed, seconds since 1970."""
    held_back: HeldBack | None = None
    """What was held back; None: nothing, or an event of a version that did not say."""

    def __post_init__(self) -> None:
        if self.score_ppm < self.threshold_ppm:
            raise Malformed("The score is below the threshold.")
        track = self.track
        if not track.first_seen_mono_ns <= self.captured_mono_ns <= track.last_seen_mono_ns:
            raise Malformed("The clearest look is outside the track.")

    def __repr__(self) -> str:
        return "MatchEvent()"

    def to_payload(self) -> bytes:
        """Return the event in canonical JSON.

        Raises:
            Malformed, TooLarge: the event could not be read back.
        """
        crop = None if self.crop_jpeg is None else b64encode(self.crop_jpeg).decode()
        held_back: dict[str, JsonValue] = (
            {} if self.held_back is None else {"held_back": asdict(self.held_back)}
        )
        payload = dumps(
            held_back
            | {
                "kind": _WORD,
                "camera": self.camera.hex(),
                "site": self.site,
                "boot_id": self.boot_id.hex(),
                "sequence": self.sequence,
                "captured_utc_ms": self.captured_utc_ms,
                "captured_mono_ns": self.captured_mono_ns,
                "time_quality": self.time_quality,
                "entry": self.entry.hex(),
                "score_ppm": self.score_ppm,
                "threshold_ppm": self.threshold_ppm,
                "predicted_fpir_ppb": self.predicted_fpir_ppb,
                "list_version": self.list_version,
                "list_digest": self.list_digest.hex(),
                "model_digest": self.model_digest.hex(),
                "runtime": self.runtime,
                "policy_digest": self.policy_digest.hex(),
                "lease_id": self.lease_id.hex(),
                "firmware_digest": self.firmware_digest.hex(),
                "track": asdict(self.track),
                "quality": asdict(self.quality),
                "crop_jpeg": crop,
                "retain_until_utc_s": self.retain_until_utc_s,
            }
        )
        MatchEvent.from_payload(payload)  # Once sealed, it can no longer be corrected.
        return payload

    @classmethod
    def from_payload(cls, payload: bytes) -> "MatchEvent":
        """Return the event that `to_payload` wrote.

        Raises:
            Malformed: not canonical JSON, or a field is missing, unknown or out of bounds.
            TooLarge: longer than an envelope can hold.
        """
        return parse(payload, _read_event, limit=PAYLOAD_LIMIT, what="event")


def _read_event(fields: Fields) -> MatchEvent:
    fields.constant("kind", _WORD)
    crop_jpeg = (
        None
        if fields.is_null("crop_jpeg")
        else fields.base64_bytes("crop_jpeg", at_most=CROP_LIMIT)
    )
    return MatchEvent(
        camera=fields.hex_bytes("camera", ID_BYTES),
        site=fields.text("site", at_most=TEXT_LIMIT),
        boot_id=fields.hex_bytes("boot_id", ID_BYTES),
        sequence=fields.integer("sequence", low=1),
        captured_utc_ms=fields.integer("captured_utc_ms", high=1000 * UTC_HIGH_S),
        captured_mono_ns=fields.integer("captured_mono_ns"),
        time_quality=TimeQuality(fields.integer("time_quality", high=max(TimeQuality))),
        entry=fields.hex_bytes("entry", ID_BYTES),
        score_ppm=fields.integer("score_ppm", low=-PPM, high=PPM),
        threshold_ppm=fields.integer("threshold_ppm", low=-PPM, high=PPM),
        predicted_fpir_ppb=fields.integer("predicted_fpir_ppb", high=PPB),
        list_version=fields.integer("list_version", low=1),
        list_digest=fields.hex_bytes("list_digest", DIGEST_BYTES),
        model_digest=fields.hex_bytes("model_digest", DIGEST_BYTES),
        runtime=fields.text("runtime", at_most=TEXT_LIMIT),
        policy_digest=fields.hex_bytes("policy_digest", DIGEST_BYTES),
        lease_id=fields.hex_bytes("lease_id", ID_BYTES),
        firmware_digest=fields.hex_bytes("firmware_digest", DIGEST_BYTES),
        track=fields.object("track", _read_track),
        quality=fields.object("quality", _read_quality),
        crop_jpeg=crop_jpeg,
        retain_until_utc_s=fields.utc_s("retain_until_utc_s"),
        held_back=fields.object("held_back", _read_held_back) if fields.has("held_back") else None,
    )


def _read_held_back(fields: Fields) -> HeldBack:
    return HeldBack(fields.integer("times", low=1), fields.utc_s("since_utc_s"))


def _read_track(fields: Fields) -> Track:
    return Track(
        first_seen_mono_ns=fields.integer("first_seen_mono_ns"),
        last_seen_mono_ns=fields.integer("last_seen_mono_ns"),
        frames_seen=fields.integer("frames_seen", low=1),
        frames_agreed=fields.integer("frames_agreed", low=1),
    )


def _read_quality(fields: Fields) -> Quality:
    return Quality(
        face_height_px=fields.integer("face_height_px", low=1),
        inter_eye_px=fields.integer("inter_eye_px", low=1),
        sharpness_centi=fields.integer("sharpness_centi"),
        exposure_centi=fields.integer("exposure_centi"),
    )
