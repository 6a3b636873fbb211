"""A delivery line for tests: a camera's outbox, a real broker and an estate's store."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nacl.signing import SigningKey

from estate.intake.receiver import Receiver
from estate.store.envelopes import Store
from estate.tests.events import sealed_event
from firmware.courier import Courier, subscriptions
from firmware.delivery.hand_over import HandOver
from firmware.delivery.inbox import Inbox
from firmware.delivery.marks import Link, Terms
from firmware.delivery.outbox import Outbox
from firmware.delivery.receipts import Receipts
from firmware.delivery.removal import Removal
from firmware.delivery.waiting import WaitingEvents
from firmware.identity import courier_key, watch_keys
from firmware.record.ledger import Ledger
from firmware.tests.observations import records
from formats.envelope import NO_PREVIOUS, Sealed
from formats.ledger import Happening, Program
from formats.topics import Channel, shared
from wire.tests.broker import Broker

ESTATE = SigningKey(bytes([61]) * 32)
STRANGER = SigningKey(bytes([9]) * 32)


@dataclass
class Line:
    """A camera's outbox, the broker, and an estate's store."""

    broker: Broker
    folder: Path

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.broker.state.outbox)
        self.outbox.set_terms(Terms(bytes(ESTATE.verify_key), 30))
        watching = Ledger(self.broker.state.watch, Program.WATCH)
        receipts = Receipts(self.broker.state.receipts)
        self.removal = Removal(self.outbox, receipts, watching, time.time)
        self.store = self.opened_store(Store)

    def opened_store(self, kind: type[Store]) -> Store:
        return kind(f"sqlite:///{self.folder / 'store.db'}")

    def put(self, count: int = 1) -> list[Sealed]:
        key, made, previous = watch_keys(self.broker.state).sign, [], NO_PREVIOUS
        for number in range(1, count + 1):
            sealed = sealed_event(key, number, previous=previous)
            self.outbox.put(sealed, Link(number, bytes(16), number, sealed.digest))
            previous = sealed.digest
            made.append(sealed)
        return made

    def courier(self) -> Courier:
        camera = self.broker.camera.camera_id
        connection = self.broker.connection(self.broker.name, subscriptions(camera))
        ledger = Ledger(self.broker.state.courier, Program.COURIER)
        waiting, key = WaitingEvents(self.broker.state.outbox), courier_key(self.broker.state)
        handed = HandOver(waiting, Receipts(self.broker.state.receipts), key, ledger)
        signed, inbox = self.broker.camera.sign_key, self.broker.state.inbox
        return Courier(waiting, connection, handed, signed, Inbox(inbox), ledger)

    def waiting(self) -> list[str]:
        """Do a round of `watch`; return the names of the events that still wait."""
        self.removal.round()
        return self.outbox.names()

    def receiver(
        self,
        *,
        store: Store | None = None,
        key: SigningKey = ESTATE,
        on_stored: Callable[[Sealed], None] = lambda _: None,
        name: str = "receiver",
    ) -> Receiver:
        connection = self.broker.connection(name, shared("receivers", Channel.EVENT), 60)
        cameras = {self.broker.camera.camera_id: self.broker.camera}
        return Receiver(connection, store or self.store, cameras, key, on_stored)

    def receipted(self) -> list[int | str]:
        """Return the digests for which the camera's ledger has a receipt."""
        bodies = records(self.broker.state.courier, Happening.EVENT_RECEIPTED)
        return [body["envelope"] for body in bodies]
