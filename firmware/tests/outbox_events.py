"""Sealed events for tests of the outbox."""

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from firmware.delivery.marks import Link
from formats.envelope import NO_PREVIOUS, Kind, Origin, Sealed, TimeQuality, seal

KEY = SigningKey(bytes(32))


REVIEWERS = [PrivateKey(bytes([number]) * 32).public_key for number in (1, 2)]


BOOT = bytes(16)


def event(number: int, previous: bytes = NO_PREVIOUS, boot: bytes = BOOT) -> tuple[Sealed, Link]:
    origin = Origin(boot, number, 1, TimeQuality.SYNCHRONISED, previous)
    sealed = seal(Kind.EVENT, b"candidate", sender=KEY, recipients=REVIEWERS, origin=origin)
    return sealed, Link(number, boot, number, sealed.digest)
