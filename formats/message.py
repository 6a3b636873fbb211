"""Seal and open what a camera sends in an EVENT envelope: a match event, or a status.

`seal_event` writes a header that agrees with the message. `open_event` and `open_message` refuse an
envelope whose header disagrees with the message inside. Which senders are allowed, and whether a
message was seen before, the caller checks.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from nacl.public import PrivateKey, PublicKey
from nacl.signing import SigningKey

from formats.envelope import (
    Kind,
    Origin,
    Sealed,
    TimeQuality,
    Verified,
    open_sealed,
    seal,
    sender_id,
)
from formats.errors import Forged
from formats.event import PAYLOAD_LIMIT, MatchEvent
from formats.status import KIND as STATUS
from formats.status import Status
from formats.strict_json import loads


class CameraMessage(Protocol):
    """What an EVENT envelope can hold: a candidate, or a status."""

    @property
    def camera(self) -> bytes:
        """(16,) `sender_id` of the camera."""

    @property
    def boot_id(self) -> bytes:
        """(16,) of this start of the camera."""

    @property
    def sequence(self) -> int:
        """From 1, never used twice in one boot."""

    @property
    def time_quality(self) -> TimeQuality:
        """How far its time can be believed."""

    def to_payload(self) -> bytes:
        """Return the message in canonical JSON."""


MessageT = TypeVar("MessageT", bound=CameraMessage)


def seal_event(
    event: CameraMessage,
    *,
    sender: SigningKey,
    recipients: Sequence[PublicKey],
    key_epoch: int,
    previous: bytes,
) -> Sealed:
    """Seal `event`, or a status, in an envelope whose header says what the message says.

    Raises:
        Forged: the event names another camera than `sender`.
        TooLarge, Malformed, UnusableKey: see `formats.envelope.seal`.
    """
    if event.camera != sender_id(sender.verify_key):
        raise Forged("The event names another camera than the owner of the signing key.")
    origin = Origin(event.boot_id, event.sequence, key_epoch, event.time_quality, previous)
    payload = event.to_payload()
    return seal(Kind.EVENT, payload, sender=sender, recipients=recipients, origin=origin)


def open_event(verified: Verified, key: PrivateKey) -> MatchEvent:
    """Decrypt the match event in a verified envelope with one reviewer's key.

    Raises:
        Forged: envelope and event disagree about camera, boot, sequence or time quality.
        NotForThisKey, Malformed, TooLarge: see `open_sealed` and `MatchEvent.from_payload`.
    """
    return _check_origin(MatchEvent.from_payload(open_sealed(verified, key)), verified)


def open_message(verified: Verified, key: PrivateKey) -> MatchEvent | Status:
    """Decrypt the match event or status in a verified envelope with one reviewer's key.

    Raises:
        Forged: envelope and message disagree about camera, boot, sequence or time quality.
        NotForThisKey, Malformed, TooLarge: see `open_sealed` and the messages' `from_payload`.
    """
    payload = open_sealed(verified, key)
    if loads(payload, limit=PAYLOAD_LIMIT).get("kind") == STATUS:
        return _check_origin(Status.from_payload(payload), verified)
    return _check_origin(MatchEvent.from_payload(payload), verified)


def _check_origin(message: MessageT, verified: Verified) -> MessageT:
    header = verified.sealed.header
    outside = (header.sender, header.boot_id, header.sequence, header.time_quality)
    if outside != (message.camera, message.boot_id, message.sequence, message.time_quality):
        raise Forged("Envelope and event disagree about where the event comes from.")
    return message
