"""Sealed events for tests of the outbox."""

from dataclasses import replace
from typing import Any

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from firmware.delivery.marks import Link
from formats.envelope import NO_PREVIOUS, Kind, Origin, Sealed, TimeQuality, seal
from formats.receipt import Receipt, hand_over, seal_receipt

KEY = SigningKey(bytes(32))


REVIEWERS = [PrivateKey(bytes([number]) * 32).public_key for number in (1, 2)]


BOOT = bytes(16)


def event(
    number: int, previous: bytes = NO_PREVIOUS, boot: bytes = BOOT, key: SigningKey = KEY
) -> tuple[Sealed, Link]:
    origin = Origin(boot, number, 1, TimeQuality.SYNCHRONISED, previous)
    sealed = seal(Kind.EVENT, b"candidate", sender=key, recipients=REVIEWERS, origin=origin)
    return sealed, Link(number, boot, number, sealed.digest)


ESTATE = SigningKey(bytes([61]) * 32)
COURIER = PrivateKey(bytes([62]) * 32)


def handed_over(
    sealed: Sealed,
    *,
    sender: SigningKey = ESTATE,
    **changed: Any,  # noqa: ANN401  # Each test changes another field.
) -> bytes:
    """Return what a courier hands over when the estate has stored an event, or says otherwise."""
    header = sealed.header
    said = Receipt(header.sender, header.boot_id, header.sequence, sealed.digest, 1)
    receipt = replace(said, **changed)
    origin = Origin(BOOT, 1, 1, TimeQuality.SYNCHRONISED, NO_PREVIOUS)
    to = [COURIER.public_key]
    blob = seal_receipt(receipt, sender=sender, recipients=to, origin=origin).blob
    return hand_over(blob, estate=sender.verify_key, key=COURIER)
