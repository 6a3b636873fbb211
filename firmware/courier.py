"""The program `courier`: send sealed events over MQTT with retry, hand receipts over to `watch`.

It has the network, and opens no event. It reads the outbox and deletes nothing there: `watch` does,
on the estate's signed receipt and on nothing else. The broker's own acknowledgement says only that
the broker had the event in memory.
Until the receipt comes, the event is sent again, at growing intervals. Each copy expires at the
broker when the next one is due, so a receiver that was absent finds one. A site bundle that the
estate publishes for this camera goes into the inbox unopened. The courier has no camera, no lamp
and no face.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from nacl.signing import VerifyKey

from firmware.config import Config
from firmware.delivery.hand_over import HandOver
from firmware.delivery.inbox import Inbox
from firmware.delivery.receipts import Receipts
from firmware.delivery.waiting import WaitingEvents
from firmware.errors import ForeignFile, IdentityRefused
from firmware.folder import Folder
from firmware.identity import camera_identity, courier_key, ledger_signer
from firmware.program_lock import only_one
from firmware.record.ledger import Ledger
from firmware.supervisor import Supervisor
from formats import VERSION
from formats.envelope import verify
from formats.envelope_header import ID_BYTES
from formats.errors import FormatError, Malformed
from formats.hexadecimal import read_hex
from formats.ledger import Happening, Program
from formats.site_bundle import read_bundle
from formats.topics import Channel, Topic, parse_topic
from wire.certificate import Address, Certificate
from wire.connection import Connection
from wire.errors import BrokerTooSmall, NotConnected
from wire.message import Message

NETWORK_S: Final = 0.02
"""Longest wait for the network in one round: a new event is noticed within this time."""
RETRY_S: Final = (10.0, 300.0)
"""Retry of an event that a receiver got and did not receipt: sent again after the first time, which
doubles each time up to the second."""
NO_RECEIVER_S: Final = (0.25, 10.0)
"""Retry of an event that reached no receiver: soon enough for a receiver that is just starting, and
no flood for one that is absent."""
DOUBLINGS: Final = 6
"""Most doublings of a wait: enough to reach the longest wait."""
TIDY_S: Final = 1.0
"""Time between two looks at which events are gone from the outbox."""
BROKEN_RECORDS: Final = 10
"""Most broken files that one run records: a `watch` that was taken over could plant thousands."""
WAITING: Final = "waiting"
"""The folder of the events, as the ledger names it when it is none."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Flight:
    """One event that was sent and is not receipted yet."""

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
    """The courier's parts and state."""

    outbox: WaitingEvents
    connection: Connection
    hand_over: HandOver
    camera: VerifyKey
    """The key that signed the waiting events."""
    inbox: Inbox
    ledger: Ledger
    tidied_s: float = float("-inf")
    """CLOCK_MONOTONIC of the last look at which events are gone."""
    broken: set[str] = field(default_factory=set)
    """Names in the outbox that are no event of this camera: they are skipped."""
    recorded: int = 0
    """How many of them were recorded."""
    flights: dict[str, Flight] = field(default_factory=dict)
    """Events handed to the broker on this connection and not receipted yet, by name."""


def run(config: Config, running: Callable[[], bool], supervisor: Supervisor | None = None) -> None:
    """Open the outbox and the connection, and deliver until `running` says no.

    Raises:
        AlreadyRunning: another courier has this state folder.
    """
    with only_one(config.state.courier, Program.COURIER):
        _run(config, running, supervisor or Supervisor())


def _run(config: Config, running: Callable[[], bool], supervisor: Supervisor) -> None:
    connection = _connection(config)  # Without a certificate it ends here, and leaves no record.
    ledger = Ledger(config.state.courier, Program.COURIER)
    ledger.sign_with(ledger_signer(config.state, Program.COURIER))
    ledger.append_if_room(Happening.START, {"version": VERSION})
    state, outbox = config.state, WaitingEvents(config.state.outbox)
    hand_over = HandOver(outbox, Receipts(state.receipts), courier_key(state), ledger)
    camera = camera_identity(state).sign_key
    courier = Courier(outbox, connection, hand_over, camera, Inbox(state.inbox), ledger)
    supervisor.ready()

    def go_on() -> bool:
        supervisor.alive()  # The round before this question did the network's work.
        return running()

    deliver(courier, go_on)
    ledger.append_if_room(Happening.STOP, {"reason": "stopped"})
    ledger.sign()


def deliver(courier: Courier, running: Callable[[], bool]) -> None:
    """Send waiting events and hand receipts over, until `running` says no."""
    try:
        while running():
            courier.connection.run_network(NETWORK_S)
            for message in courier.connection.take_arrived():
                handle_message(courier, message)
                courier.connection.acknowledge(message)
            for answer in courier.connection.take_acknowledged():
                if not answer.delivered:
                    retry_soon(courier, answer.number)
            for name in events_due(courier):
                send_event(courier, name)
            install_site(courier.inbox)
            courier.ledger.keep_signed()
            if time.monotonic() - courier.tidied_s >= TIDY_S:
                tidy(courier)
    finally:
        courier.connection.close()


def subscriptions(camera: bytes) -> tuple[str, ...]:
    """Return the topics to which the courier of a camera subscribes."""
    return tuple(str(Topic(camera, channel)) for channel in (Channel.RECEIPT, Channel.SITE))


def events_due(courier: Courier) -> list[str]:
    """Return the names of the events to send now, no more than may be in flight.

    New events come first, oldest first, then those that have waited longest. So an event that is
    never receipted does not keep the others waiting.
    """
    if not courier.connection.connected:
        courier.flights.clear()  # Events in flight on the old connection are sent again.
        return []
    now_s = time.monotonic()
    flying = {name for name, flight in courier.flights.items() if flight.again_s > now_s}
    if len(flying) >= courier.connection.window:
        return []  # The folder, which may be long, is not read.
    room = min(courier.connection.window - len(flying), courier.connection.room)
    settled = flying | courier.hand_over.names | courier.broken
    rest = [name for name in _waiting(courier) if name not in settled]
    rest.sort(key=lambda name: courier.flights[name].again_s if name in courier.flights else 0.0)
    return rest[: max(0, room)]


def send_event(courier: Courier, name: str) -> None:
    """Publish one event; skip and record it if the file has changed on the disk.

    If the connection has just ended, the event waits for the next one.
    """
    try:
        sealed = verify(courier.outbox.read_sealed(name), courier.camera).sealed
    except FileNotFoundError:  # `watch` has just removed it.
        return
    except (FormatError, ForeignFile):
        _skip(courier, name)
        return
    before = courier.flights.get(name)
    tries = before.tries + 1 if before else 1
    wait_s = _wait_s(RETRY_S, tries)
    topic = str(Topic(sealed.header.sender, Channel.EVENT))
    try:
        number = courier.connection.publish(topic, sealed.blob, expires_s=int(wait_s))
    except NotConnected:
        return
    except BrokerTooSmall as error:
        log.warning("%s", error)
        courier.ledger.append_if_room(Happening.FAULT, {"code": "broker_too_small"})
        number, wait_s = 0, RETRY_S[1]
    courier.flights[name] = Flight(name, sealed.digest, number, time.monotonic() + wait_s, tries)


def retry_soon(courier: Courier, number: int) -> None:
    """Send an event again soon: the broker refused it, or had no subscriber for it."""
    for flight in courier.flights.values():
        if flight.number == number:
            log.info("Event %s was not delivered: it is kept and sent again.", flight.name)
            again_s = time.monotonic() + _wait_s(NO_RECEIVER_S, flight.tries)
            courier.flights[flight.name] = replace(flight, again_s=again_s)


def handle_message(courier: Courier, message: Message) -> None:
    """Handle one MQTT message: a site bundle goes to the inbox, a receipt to `watch`.

    Any other message is logged and dropped.
    """
    try:
        channel = parse_topic(message.topic).channel
        if channel is Channel.SITE:
            courier.inbox.take(read_bundle(message.payload))
            install_site(courier.inbox)
            return
    except FormatError as error:
        log.warning("A message is no bundle of the site: %s", error)
        return
    hand_over_receipt(courier, message.payload)


def install_site(inbox: Inbox) -> None:
    """Write what the estate published into the inbox, if it is due."""
    try:
        inbox.install_if_due()
    except ForeignFile as error:
        log.warning("The site's bundle cannot be written: %s", error)
    except OSError as error:  # Events go on; the broker sends the bundle again at the next start.
        log.warning("The site's bundle cannot be written: %s.", error.strerror)


def tidy(courier: Courier) -> None:
    """Forget the events that are gone from the outbox, and remove their receipts."""
    courier.tidied_s = time.monotonic()
    waiting = set(_waiting(courier))
    courier.hand_over.check()
    courier.hand_over.drop_gone(waiting)
    courier.hand_over.record()
    courier.flights = {name: one for name, one in courier.flights.items() if name in waiting}
    courier.broken &= waiting | {WAITING}


def hand_over_receipt(courier: Courier, blob: bytes) -> None:
    """Hand a verified receipt over to `watch`, which deletes its event; else log and drop it."""
    try:
        receipt, content = courier.hand_over.open(blob)
    except FormatError as error:
        log.warning("A message on the receipts' topic is no receipt: %s", error)
        return
    for flight in tuple(courier.flights.values()):
        digest = receipt.envelope_digest
        if flight.digest == digest and courier.hand_over.put(flight.name, receipt, content):
            del courier.flights[flight.name]


def broker_address(config: Config) -> Address:
    """Return the broker's address, with this camera's name and certificate.

    Raises:
        IdentityRefused: this camera has no identity.
    """
    keys = config.state.courier
    try:
        with Folder(keys) as own:
            camera = own.read("camera-id", limit=2 * ID_BYTES).decode("ascii")
        read_hex(camera, ID_BYTES)
    except (OSError, UnicodeDecodeError, Malformed) as error:
        raise IdentityRefused(
            "This camera has no identity, or a broken camera-id: run `tallylight-camera identity`."
        ) from error
    certificate = Certificate(config.broker_ca, keys / "tls.crt", keys / "tls.key")
    return Address(config.broker_host, config.broker_port, camera, certificate)


def _connection(config: Config) -> Connection:
    address = broker_address(config)
    return Connection(address, subscriptions(read_hex(address.client_id, ID_BYTES)))


def _waiting(courier: Courier) -> list[str]:
    """Return the names of the waiting events; none if the outbox is no folder of events."""
    try:
        return courier.outbox.names()
    except ForeignFile:
        _skip(courier, WAITING)
        return []


def _skip(courier: Courier, name: str) -> None:
    """Record a name in the outbox that is no event of this camera, once, and few in one run."""
    if name in courier.broken:
        return
    courier.broken.add(name)
    if courier.recorded < BROKEN_RECORDS:
        courier.recorded += 1
        shown = name.encode(errors="backslashreplace").decode()  # A name can be no UTF-8.
        courier.ledger.append_if_room(Happening.FAULT, {"code": "outbox_broken", "name": shown})


def _wait_s(bounds: tuple[float, float], tries: int) -> float:
    return min(bounds[1], bounds[0] * (1 << min(tries - 1, DOUBLINGS)))
