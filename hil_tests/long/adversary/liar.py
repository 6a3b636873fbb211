"""A broker that says anything to the courier: garbage, refusals, forged receipts, older lists."""

from collections import Counter
from dataclasses import dataclass, field
from secrets import token_bytes

from nacl.public import PublicKey
from nacl.signing import SigningKey
from numpy.random import Generator

from formats.envelope import NO_PREVIOUS, Kind, Origin, TimeQuality, read
from formats.errors import FormatError
from formats.receipt import Receipt, seal_receipt
from formats.site_bundle import write_bundle
from formats.topics import Channel, Topic
from hil_tests.long.adversary.acts import pick
from hil_tests.rig.hostile_broker import (
    Caller,
    HostileBroker,
    Manners,
    connack,
    disconnect,
    publish,
)

STRANGER = SigningKey(bytes([99]) * 32)


@dataclass(slots=True)
class Liar:
    """A script of `HostileBroker`: another lie on each connection."""

    camera: bytes
    receipt_key: PublicKey
    """Of the courier."""
    lists: list[dict[str, bytes]]
    """Published repositories that are out of date."""
    dice: Generator
    said: Counter[str] = field(default_factory=Counter)

    def __call__(self, broker: HostileBroker, caller: Caller) -> None:
        """Serve one connection until it ends."""
        lies = self._lies(broker)
        name = pick(self.dice, list(lies))
        self.said[name] += 1
        lies[name](broker, caller)

    def _lies(self, broker: HostileBroker) -> dict[str, Manners]:
        receipts = str(Topic(self.camera, Channel.RECEIPT)).encode()
        sites = str(Topic(self.camera, Channel.SITE)).encode()
        garbage = self.dice.bytes(int(self.dice.integers(1, 5000)))
        forged = b"".join(
            publish(receipts, self._forge(each), number=at + 1)
            for at, each in enumerate(broker.payloads()[-20:])
        )
        lies = {
            "broker: connection refused": Manners(connack=connack(0x87)),
            "broker: garbage for packets": Manners(then=garbage),
            "broker: each event refused": Manners(puback=0x97),
            "broker: each event taken and thrown away": Manners(),
            "broker: no answer": Manners(puback=None),
            "broker: disconnection": Manners(then=disconnect(0x8B)),
            "broker: garbage for a receipt": Manners(then=publish(receipts, garbage)),
            "broker: garbage for a list": Manners(then=publish(sites, garbage)),
            "broker: forged receipts": Manners(then=forged),
        }
        if self.lists:
            old = publish(sites, write_bundle(pick(self.dice, self.lists)))
            lies["broker: older list put back"] = Manners(then=old)
        return lies

    def _forge(self, event: bytes) -> bytes:
        """Return a receipt for an event, signed by a stranger."""
        try:
            sealed = read(Kind.EVENT, event)
        except FormatError:
            return event
        header = sealed.header
        receipt = Receipt(header.sender, header.boot_id, header.sequence, sealed.digest, 1)
        origin = Origin(token_bytes(16), 1, 1, TimeQuality.SYNCHRONISED, NO_PREVIOUS)
        to = [self.receipt_key]
        return seal_receipt(receipt, sender=STRANGER, recipients=to, origin=origin).blob
