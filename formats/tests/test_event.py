"""Match events: read as written; missing, broken and contradicting fields are refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey

from formats.envelope import (
    NO_PREVIOUS,
    Kind,
    Origin,
    TimeQuality,
    read,
    seal,
    sender_id,
    verify,
    wire_size,
)
from formats.errors import Forged, FormatError, Malformed, NotForThisKey, TooLarge
from formats.event import CROP_LIMIT, PPM, HeldBack, MatchEvent, Quality, Track
from formats.message import open_event, seal_event
from formats.strict_json import INT_LIMIT, UTC_HIGH_S, UTC_LOW_S
from formats.tests.make_vectors import FOLDER
from formats.tests.second_encoder import ALICE, BOB, CAMERA, EVE, STRANGER

VECTORS = json.loads((FOLDER / "event.json").read_text())
PAYLOAD = VECTORS["good"]["with a crop"].encode()
EVENT = MatchEvent.from_payload(PAYLOAD)
HELD_BACK = json.loads((FOLDER / "held_back.json").read_text())

IDS = st.binary(min_size=16, max_size=16)
DIGESTS = st.binary(min_size=32, max_size=32)
COUNTS = st.integers(0, INT_LIMIT)
SIZES = st.integers(1, INT_LIMIT)
MOMENTS = st.integers(UTC_LOW_S, UTC_HIGH_S)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64).filter(str.isprintable)
QUALITIES = st.builds(Quality, SIZES, SIZES, COUNTS, COUNTS)


@st.composite
def events(draw: st.DrawFn) -> MatchEvent:
    first, captured, last = sorted(draw(st.tuples(COUNTS, COUNTS, COUNTS)))
    agreed, seen = sorted(draw(st.tuples(SIZES, SIZES)))
    threshold, score = sorted(draw(st.tuples(*2 * [st.integers(-PPM, PPM)])))
    return MatchEvent(
        camera=draw(IDS),
        site=draw(NAMES),
        boot_id=draw(IDS),
        sequence=draw(SIZES),
        captured_utc_ms=draw(st.integers(0, 1000 * UTC_HIGH_S)),
        captured_mono_ns=captured,
        time_quality=draw(st.sampled_from(TimeQuality)),
        entry=draw(IDS),
        score_ppm=score,
        threshold_ppm=threshold,
        predicted_fpir_ppb=draw(st.integers(0, 10**9)),
        list_version=draw(SIZES),
        list_digest=draw(DIGESTS),
        model_digest=draw(DIGESTS),
        runtime=draw(NAMES),
        policy_digest=draw(DIGESTS),
        lease_id=draw(IDS),
        firmware_digest=draw(DIGESTS),
        track=Track(first, last, seen, agreed),
        quality=draw(QUALITIES),
        crop_jpeg=draw(st.none() | st.binary(min_size=1, max_size=200)),
        retain_until_utc_s=draw(st.integers(UTC_LOW_S, UTC_HIGH_S)),
        held_back=draw(st.none() | st.builds(HeldBack, SIZES, MOMENTS)),
    )


def from_camera(event: MatchEvent) -> MatchEvent:
    return replace(event, camera=sender_id(CAMERA.verify_key))


@given(events())
def test_an_event_is_read_as_it_was_written(event: MatchEvent) -> None:
    assert MatchEvent.from_payload(event.to_payload()) == event


@pytest.mark.parametrize("name", VECTORS["good"])
def test_the_published_events_are_read_and_written(name: str) -> None:
    payload = VECTORS["good"][name].encode()
    assert MatchEvent.from_payload(payload).to_payload() == payload


@pytest.mark.parametrize("name", VECTORS["broken"])
def test_a_broken_event_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        MatchEvent.from_payload(VECTORS["broken"][name].encode())


@pytest.mark.parametrize("name", HELD_BACK["good"])
def test_an_event_says_what_was_held_back(name: str) -> None:
    payload = HELD_BACK["good"][name].encode()
    event = MatchEvent.from_payload(payload)
    assert event.held_back == HeldBack(1180, 1_767_222_120)
    assert event.to_payload() == payload


def test_an_event_of_the_version_before_says_nothing_of_what_was_held_back() -> None:
    assert EVENT.held_back is None
    assert EVENT.to_payload() == PAYLOAD


@pytest.mark.parametrize("name", HELD_BACK["broken"])
def test_a_count_of_nothing_held_back_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match="held_back"):
        MatchEvent.from_payload(HELD_BACK["broken"][name].encode())


@pytest.mark.parametrize("name", json.loads(PAYLOAD))
def test_a_missing_field_is_refused(name: str) -> None:
    members = json.loads(PAYLOAD)
    del members[name]
    payload = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(Malformed, match="is missing"):
        MatchEvent.from_payload(payload)


def test_a_flipped_bit_never_leaves_the_event_as_it_was() -> None:
    """A flipped bit may spell another event. The signature, tested elsewhere, refuses that one."""
    for at in range(len(PAYLOAD)):
        flipped = PAYLOAD[:at] + bytes([PAYLOAD[at] ^ 1]) + PAYLOAD[at + 1 :]
        try:
            event = MatchEvent.from_payload(flipped)
        except FormatError:
            continue
        assert event != EVENT
        assert event.to_payload() == flipped


def test_a_track_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Malformed):
        Track(first_seen_mono_ns=2, last_seen_mono_ns=1, frames_seen=1, frames_agreed=1)


def test_a_track_in_which_more_frames_agree_than_were_seen_is_refused() -> None:
    with pytest.raises(Malformed):
        Track(first_seen_mono_ns=1, last_seen_mono_ns=2, frames_seen=1, frames_agreed=2)


def test_an_event_that_could_not_be_read_back_is_not_written() -> None:
    with pytest.raises(Malformed, match="entry"):
        replace(EVENT, entry=b"short").to_payload()


def test_a_crop_that_is_too_long_is_not_written() -> None:
    with pytest.raises(Malformed, match="crop_jpeg"):
        replace(EVENT, crop_jpeg=bytes(CROP_LIMIT + 1)).to_payload()


def test_a_payload_over_the_bucket_is_refused() -> None:
    with pytest.raises(TooLarge):
        MatchEvent.from_payload(b" " * 32 * 1024)


def test_the_largest_event_fits_its_bucket() -> None:
    wide = "\U0001f3db" * 64
    largest = replace(
        EVENT,
        site=wide,
        runtime=wide,
        sequence=INT_LIMIT,
        captured_utc_ms=1000 * UTC_HIGH_S,
        captured_mono_ns=INT_LIMIT,
        score_ppm=-PPM + 1,
        threshold_ppm=-PPM,
        predicted_fpir_ppb=10**9,
        list_version=INT_LIMIT,
        track=Track(INT_LIMIT, INT_LIMIT, INT_LIMIT, INT_LIMIT),
        quality=Quality(INT_LIMIT, INT_LIMIT, INT_LIMIT, INT_LIMIT),
        crop_jpeg=bytes(CROP_LIMIT),
        held_back=HeldBack(INT_LIMIT, UTC_HIGH_S),
    )
    assert MatchEvent.from_payload(largest.to_payload()) == largest


def test_nothing_of_an_event_can_be_printed() -> None:
    assert repr(EVENT) == str(EVENT) == "MatchEvent()"


# In its envelope.


@given(events().map(from_camera))
def test_every_event_has_the_same_size_on_the_wire(event: MatchEvent) -> None:
    sealed = seal_event(
        event,
        sender=CAMERA,
        recipients=[ALICE.public_key, BOB.public_key],
        key_epoch=3,
        previous=NO_PREVIOUS,
    )
    assert len(sealed.blob) == wire_size(Kind.EVENT, slots=2)


def seal_for_two(event: MatchEvent) -> bytes:
    recipients = [ALICE.public_key, BOB.public_key]
    return seal_event(
        event, sender=CAMERA, recipients=recipients, key_epoch=3, previous=NO_PREVIOUS
    ).blob


@pytest.mark.parametrize("reviewer", [ALICE, BOB], ids=["Alice", "Bob"])
def test_each_reviewer_reads_the_event(reviewer: PrivateKey) -> None:
    verified = verify(read(Kind.EVENT, seal_for_two(EVENT)), CAMERA.verify_key)
    assert open_event(verified, reviewer) == EVENT


def test_a_key_without_a_slot_does_not_read_the_event() -> None:
    verified = verify(read(Kind.EVENT, seal_for_two(EVENT)), CAMERA.verify_key)
    with pytest.raises(NotForThisKey):
        open_event(verified, EVE)


def test_a_camera_cannot_seal_the_event_of_another() -> None:
    with pytest.raises(Forged):
        seal_event(
            EVENT,
            sender=STRANGER,
            recipients=[ALICE.public_key, BOB.public_key],
            key_epoch=3,
            previous=NO_PREVIOUS,
        )


@pytest.mark.parametrize(
    "contradiction",
    [
        {"camera": bytes(16)},
        {"boot_id": bytes(16)},
        {"sequence": 8},
        {"time_quality": TimeQuality.AUTHENTICATED},
    ],
    ids=lambda contradiction: next(iter(contradiction)),
)
def test_an_event_that_contradicts_its_envelope_is_refused(
    contradiction: dict[str, object],
) -> None:
    lying = replace(EVENT, **contradiction)  # type: ignore[arg-type]  # One field of any type.
    origin = Origin(EVENT.boot_id, EVENT.sequence, 3, EVENT.time_quality, NO_PREVIOUS)
    sealed = seal(
        Kind.EVENT,
        lying.to_payload(),
        sender=CAMERA,
        recipients=[ALICE.public_key, BOB.public_key],
        origin=origin,
    )
    with pytest.raises(Forged):
        open_event(verify(sealed, CAMERA.verify_key), ALICE)
