"""Sealed events of one camera, for two reviewers."""

from dataclasses import replace
from hashlib import sha256

from nacl.public import PrivateKey
from nacl.signing import SigningKey
from sqlalchemy import Connection

from estate.signed_site import SITE_FILES
from estate.store.insert_once import insert_once
from formats.envelope import NO_PREVIOUS, Sealed, sender_id
from formats.envelope_header import TimeQuality
from formats.event import MatchEvent, Quality, Track
from formats.message import seal_event
from formats.recipients import Recipients, Reviewer, write_recipients

REVIEWERS = [PrivateKey(bytes([number]) * 32) for number in (1, 2)]
STRANGER = PrivateKey(bytes([9]) * 32)
BOOT = bytes(range(16))
EVENT = MatchEvent(
    camera=bytes(16),
    site="mill",
    boot_id=BOOT,
    sequence=1,
    captured_utc_ms=1_795_000_000_000,
    captured_mono_ns=2,
    time_quality=TimeQuality.SYNCHRONISED,
    entry=bytes([7]) * 16,
    score_ppm=812_000,
    threshold_ppm=730_000,
    predicted_fpir_ppb=400_000,
    list_version=3,
    list_digest=bytes([3]) * 32,
    model_digest=bytes([4]) * 32,
    runtime="fake 1",
    policy_digest=bytes([5]) * 32,
    lease_id=bytes([6]) * 16,
    firmware_digest=bytes([8]) * 32,
    track=Track(1, 3, 5, 3),
    quality=Quality(100, 40, 20, 50),
    crop_jpeg=b"\xff\xd8 a face \xff\xd9",
    retain_until_utc_s=1_797_000_000,
)


def sealed_event(
    key: SigningKey,
    sequence: int = 1,
    *,
    reviewers: list[PrivateKey] = REVIEWERS,
    previous: bytes = NO_PREVIOUS,
    crop_jpeg: bytes | None = EVENT.crop_jpeg,
) -> Sealed:
    camera = sender_id(key.verify_key)
    event = replace(EVENT, camera=camera, sequence=sequence, crop_jpeg=crop_jpeg)
    recipients = [reviewer.public_key for reviewer in reviewers]
    return seal_event(event, sender=key, recipients=recipients, key_epoch=1, previous=previous)


def meet_recipients(connection: Connection, content: bytes) -> None:
    """Put a recipients file into the store, as `store_list` does with a verified site's."""
    name = f"targets/{sha256(content).hexdigest()}.recipients.json"
    insert_once(connection, SITE_FILES, {"name": name, "content": content})


def recipients_file(reviewers: list[PrivateKey], version: int = 1) -> bytes:
    """Return the recipients file that names these reviewers."""
    receipts, ledger = (SigningKey(bytes([seed]) * 32).verify_key for seed in (208, 209))
    named = tuple(
        Reviewer(f"r{number}", "estate", reader.public_key, SigningKey(bytes(reader)).verify_key)
        for number, reader in enumerate(reviewers, 1)
    )
    return write_recipients(
        Recipients(version, receipts, ledger, two_organisations=False, reviewers=named)
    )
