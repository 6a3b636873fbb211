"""The program with the network: it carries sealed events out, receipts in, and opens no event.

An event leaves the outbox on the estate's signed receipt and on nothing else: the broker's own
acknowledgement says only that the broker had it in memory. Until the receipt comes, the event is
sent again, less and less often, and each copy ends at the broker when the next one is due: whoever
was absent finds one. What the estate publishes for this camera goes into the inbox unopened. The
courier never sees a camera, a lamp or a face.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from errno import ENOSPC
from pathlib import Path
from typing import Final

from nacl.public import PrivateKey
from nacl.signing import VerifyKey

from firmware.config import SYNCHRONISED, Config
from firmware.delivery.inbox import install
from firmware.delivery.outbox import Outbox
from firmware.errors import IdentityRefused
from firmware.identity import courier_key, ledger_signer, own_identity
from firmware.record.ledger import Ledger
from firmware.supervisor import Supervisor
from formats import VERSION
from formats.envelope import verify
from formats.errors import FormatError
from formats.ledger import Happening, Program
from formats.receipt import Receipt, open_receipt
from formats.site_bundle import read_bundle
from formats.topics import Channel, Topic, parse_topic
from wire.certificate import Address, Certificate
from wire.connection import Connection, Message
from wire.errors import BrokerTooSmall, NotConnected

TURN_S: Final = 0.02
"""Longest wait for the network in one turn: an event waits no longer than this to be seen."""
AGAIN_S: Final = (10.0, 300.0)
"""An event that somebody took and nobody receipted is sent again after the first, which doubles
each time up to the second."""
UNHEARD_S: Final = (0.25, 10.0)
"""The same for an event that nobody was there to take: soon enough for a receiver that is just
starting, and no flood for one that is not."""
DOUBLINGS: Final = 6
"""Enough to reach the longest wait, and few enough to count with."""
TIDY_S: Final = 60.0
"""Time between two looks at what has been kept for too long."""

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
    camera: VerifyKey
    """Signed whatever waits."""
    inbox: Path
    ledger: Ledger
    tidied_s: float = float("-inf")
    """CLOCK_MONOTONIC of the last look at what has been kept for too long."""
    flights: dict[str, Flight] = field(default_factory=dict)
    """Events handed to the broker on this connection and not receipted yet, by name."""


def run(config: Config, running: Callable[[], bool], supervisor: Supervisor | None = None) -> None:
    """Open the outbox and the connection, and carry until `running` says no."""
    supervisor = supervisor or Supervisor()
    ledger = Ledger(config.state.courier, Program.COURIER)
    ledger.sign_with(ledger_signer(config.state, Program.COURIER))
    ledger.append(Happening.START, {"version": VERSION})
    outbox = Outbox(config.state.outbox)
    outbox.sweep()
    camera = own_identity(config.state).sign_key
    for name in outbox.check(camera):
        _record_broken(ledger, name)
    key, inbox = courier_key(config.state), config.state.inbox
    courier = Courier(outbox, _connection(config), key, camera, inbox, ledger)
    supervisor.ready()

    def turning() -> bool:
        supervisor.alive()  # The turn before this question carried what there was to carry.
        return running()

    deliver(courier, turning)
    ledger.append(Happening.STOP, {"reason": "stopped"})
    ledger.sign()


def deliver(courier: Courier, running: Callable[[], bool]) -> None:
    """Send what waits and remove what is receipted, until `running` says no."""
    try:
        while running():
            courier.connection.run_network(TURN_S)
            for message in courier.connection.take_arrived():
                take(courier, message)
                courier.connection.acknowledge(message)
            for answer in courier.connection.take_acknowledged():
                if not answer.delivered:
                    unheard(courier, answer.number)
            for name in due(courier):
                send(courier, name)
            courier.ledger.keep_signed()
            if time.monotonic() - courier.tidied_s >= TIDY_S:
                tidy(courier)
    finally:
        courier.connection.close()


def own_topics(camera: bytes) -> tuple[str, ...]:
    """Return what the courier of a camera listens to."""
    return tuple(str(Topic(camera, channel)) for channel in (Channel.RECEIPT, Channel.SITE))


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
    if len(flying) >= courier.connection.window:
        return []  # Without reading a folder that may be long.
    rest = [name for name in courier.outbox.names() if name not in flying]
    rest.sort(key=lambda name: courier.flights[name].again_s if name in courier.flights else 0.0)
    return rest[: max(0, courier.connection.window - len(flying))]


def send(courier: Courier, name: str) -> None:
    """Hand one event to the broker; set it aside if it is not what was written.

    If the connection has just ended, nothing happens: the event waits for the next one.
    """
    try:
        sealed = verify(courier.outbox.sealed(name), courier.camera).sealed
    except FormatError:
        courier.outbox.set_aside(name)
        _record_broken(courier.ledger, name)
        return
    before = courier.flights.get(name)
    tries = before.tries + 1 if before else 1
    wait_s = _wait_s(AGAIN_S, tries)
    topic = str(Topic(sealed.header.sender, Channel.EVENT))
    try:
        number = courier.connection.publish(topic, sealed.blob, expires_s=int(wait_s))
    except NotConnected:
        return
    except BrokerTooSmall as error:
        log.warning("%s", error)
        courier.ledger.append(Happening.FAULT, {"code": "broker_too_small"})
        number, wait_s = 0, AGAIN_S[1]
    courier.flights[name] = Flight(name, sealed.digest, number, time.monotonic() + wait_s, tries)


def unheard(courier: Courier, number: int) -> None:
    """Send an event again soon: the broker took it, or refused it, and nobody has it."""
    for flight in courier.flights.values():
        if flight.number == number:
            log.info("Event %s reached no receiver: it is kept and sent again.", flight.name)
            again_s = time.monotonic() + _wait_s(UNHEARD_S, flight.tries)
            courier.flights[flight.name] = replace(flight, again_s=again_s)


def take(courier: Courier, message: Message) -> None:
    """Take a receipt, or put what the estate published into the inbox; drop anything else."""
    try:
        channel = parse_topic(message.topic).channel
        if channel is Channel.SITE:
            install(courier.inbox, read_bundle(message.payload))
            return
    except FormatError as error:
        log.warning("A message is no bundle of the site: %s", error)
        return
    except OSError as error:  # Events go on; what was published comes again with the next start.
        log.warning("What the site published cannot be written: %s.", error.strerror)
        return
    settle(courier, message.payload)


def tidy(courier: Courier) -> None:
    """Destroy what has waited for longer than the policy lets anything be kept."""
    courier.tidied_s = time.monotonic()
    terms = courier.outbox.terms()
    if terms is None or not SYNCHRONISED.exists():
        return
    for name in courier.outbox.lapse(terms.keep_days):
        courier.ledger.append(Happening.EVENT_LAPSED, {"name": name})


def settle(courier: Courier, blob: bytes) -> None:
    """Remove the event that a receipt names, once the receipt is proven; drop anything else."""
    try:
        receipt = _proven(courier, blob)
    except FormatError as error:
        log.warning("A message on the receipts' topic is no receipt: %s", error)
        return
    for flight in tuple(courier.flights.values()):
        if flight.digest == receipt.envelope_digest:
            _remove(courier, flight, receipt)


def _remove(courier: Courier, flight: Flight, receipt: Receipt) -> None:
    """Record the receipt, then remove the event; on a full disk the other way round."""
    body: dict[str, int | str] = {
        "sequence": receipt.sequence,
        "envelope": receipt.envelope_digest.hex(),
        "stored_utc_ms": receipt.stored_utc_ms,
    }
    try:
        courier.ledger.append(Happening.EVENT_RECEIPTED, body)
        courier.outbox.remove(flight.name)
    except OSError as error:
        if error.errno != ENOSPC:
            raise
        courier.outbox.remove(flight.name)
        courier.ledger.append(Happening.EVENT_RECEIPTED, body)
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
    return Connection(address, own_topics(bytes.fromhex(camera)))


def _proven(courier: Courier, blob: bytes) -> Receipt:
    terms = courier.outbox.terms()
    if terms is None:
        raise FormatError("It is not yet known whose receipts to believe.")
    return open_receipt(blob, estate=VerifyKey(terms.receipts_from), key=courier.key)


def _record_broken(ledger: Ledger, name: str) -> None:
    ledger.append(Happening.FAULT, {"code": "outbox_broken", "name": name})


def _wait_s(bounds: tuple[float, float], tries: int) -> float:
    return min(bounds[1], bounds[0] * (1 << min(tries - 1, DOUBLINGS)))
