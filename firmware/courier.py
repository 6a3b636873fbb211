"""The program with the network: it carries sealed events out, receipts in, and opens no event.

An event leaves the outbox on the estate's signed receipt and on nothing else: the broker's own
acknowledgement says only that the broker had it in memory. Until the receipt comes, the event is
sent again. It never sees a camera, a lamp or a face.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from nacl.public import PrivateKey
from nacl.signing import VerifyKey

from firmware.config import Config
from firmware.delivery.outbox import Outbox
from firmware.errors import IdentityRefused
from firmware.identity import courier_key
from firmware.record.ledger import Ledger
from firmware.supervisor import Supervisor
from formats import VERSION
from formats.errors import FormatError
from formats.ledger import Happening, Program
from formats.receipt import Receipt, open_receipt
from formats.topics import Channel, Topic
from wire.connection import Address, Certificate, Connection, NotConnected

TURN_S: Final = 0.02
"""Longest wait for the network in one turn: an event waits no longer than this to be seen."""
AGAIN_S: Final = 10.0
"""An event without a receipt is sent again after this time."""
UNHEARD_S: Final = 0.25
"""An event that nobody was there to receive is sent again after this time, which doubles each time
up to `AGAIN_S`: soon enough for a receiver that is just starting, and no flood for one that is not.
"""
DOUBLINGS: Final = 6
"""Enough to reach `AGAIN_S`, and few enough to count with."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Flight:
    """One event on its way."""

    name: str
    digest: bytes
    number: int
    """Of the message on this connection."""
    again_s: float
    """CLOCK_MONOTONIC from which on it is sent again."""
    tries: int = 1
    """How often it was sent on this connection."""


@dataclass(slots=True)
class Courier:
    """What the courier works with."""

    outbox: Outbox
    connection: Connection
    key: PrivateKey
    """Opens receipts."""
    ledger: Ledger
    flights: dict[str, Flight] = field(default_factory=dict)
    """Events handed to the broker on this connection and not receipted yet, by name."""


def run(config: Config, running: Callable[[], bool], supervisor: Supervisor | None = None) -> None:
    """Open the outbox and the connection, and carry until `running` says no."""
    supervisor = supervisor or Supervisor()
    ledger = Ledger(config.state.courier, Program.COURIER)
    ledger.append(Happening.START, {"version": VERSION})
    outbox = Outbox(config.state.outbox)
    outbox.sweep()
    courier = Courier(outbox, _connection(config), courier_key(config.state), ledger)
    supervisor.ready()

    def turning() -> bool:
        supervisor.alive()  # The turn before this question carried what there was to carry.
        return running()

    deliver(courier, turning)
    ledger.append(Happening.STOP, {"reason": "stopped"})


def deliver(courier: Courier, running: Callable[[], bool]) -> None:
    """Send what waits and remove what is receipted, until `running` says no."""
    try:
        while running():
            courier.connection.turn(TURN_S)
            for message in courier.connection.arrived():
                settle(courier, message.payload)
                courier.connection.settle(message)
            for answer in courier.connection.acknowledged():
                if not answer.delivered:
                    unheard(courier, answer.number)
            for name in due(courier):
                send(courier, name)
    finally:
        courier.connection.close()


def due(courier: Courier) -> list[str]:
    """Return the names of the events to send now, no more than may be in flight.

    Those that were never sent come first, oldest first, then those that have waited longest: events
    that are never receipted, whatever the reason, must not keep the others waiting.
    """
    if not courier.connection.connected:
        courier.flights.clear()  # Whatever was in flight on the old connection is sent again.
        return []
    now_s = time.monotonic()
    flying = {name for name, flight in courier.flights.items() if flight.again_s > now_s}
    rest = [name for name in courier.outbox.names() if name not in flying]
    rest.sort(key=lambda name: courier.flights[name].again_s if name in courier.flights else 0.0)
    return rest[: max(0, courier.connection.window - len(flying))]


def send(courier: Courier, name: str) -> None:
    """Hand one event to the broker; set it aside if it is not what was written.

    If the connection has just ended, nothing happens: the event waits for the next one.
    """
    try:
        sealed = courier.outbox.sealed(name)
    except FormatError:
        courier.outbox.set_aside(name)
        courier.ledger.append(Happening.FAULT, {"code": "outbox_broken", "name": name})
        return
    try:
        topic = str(Topic(sealed.header.sender, Channel.EVENT))
        number = courier.connection.publish(topic, sealed.blob)
    except NotConnected:
        return
    before = courier.flights.get(name)
    tries = before.tries + 1 if before else 1
    courier.flights[name] = Flight(name, sealed.digest, number, time.monotonic() + AGAIN_S, tries)


def unheard(courier: Courier, number: int) -> None:
    """Send an event again soon: the broker took it, or refused it, and nobody has it."""
    for flight in courier.flights.values():
        if flight.number == number:
            log.info("Event %s reached no receiver: it is kept and sent again.", flight.name)
            wait_s = min(AGAIN_S, UNHEARD_S * 2 ** min(flight.tries - 1, DOUBLINGS))
            courier.flights[flight.name] = replace(flight, again_s=time.monotonic() + wait_s)


def settle(courier: Courier, blob: bytes) -> None:
    """Remove the event that a receipt names, once the receipt is proven; drop anything else."""
    try:
        receipt = _proven(courier, blob)
    except FormatError as error:
        log.warning("A message on the receipts' topic is no receipt: %s", error)
        return
    for flight in tuple(courier.flights.values()):
        if flight.digest == receipt.envelope_digest:
            courier.ledger.append(
                Happening.EVENT_RECEIPTED,
                {
                    "sequence": receipt.sequence,
                    "envelope": receipt.envelope_digest.hex(),
                    "stored_utc_ms": receipt.stored_utc_ms,
                },
            )
            courier.outbox.remove(flight.name)
            del courier.flights[flight.name]


def _connection(config: Config) -> Connection:
    keys = config.state.courier
    try:
        camera = (keys / "camera-id").read_text(encoding="ascii")
    except OSError as error:
        raise IdentityRefused(
            "This camera has no identity: run `tallylight-camera identity`."
        ) from error
    certificate = Certificate(config.broker_ca, keys / "tls.crt", keys / "tls.key")
    address = Address(config.broker_host, config.broker_port, camera, certificate)
    return Connection(address, str(Topic(bytes.fromhex(camera), Channel.RECEIPT)))


def _proven(courier: Courier, blob: bytes) -> Receipt:
    key = courier.outbox.receipts_from()
    if key is None:
        raise FormatError("It is not yet known whose receipts to believe.")
    return open_receipt(blob, estate=VerifyKey(key), key=courier.key)
