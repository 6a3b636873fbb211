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
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from nacl.signing import VerifyKey

from firmware.config import Config
from firmware.delivery.flights import NO_RECEIVER_S, RETRY_S, Flight, Flights, wait_before
from firmware.delivery.hand_over import HandOver
from firmware.delivery.inbox import Inbox
from firmware.delivery.receipts import Receipts
from firmware.delivery.unsent import Unsent
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
TIDY_S: Final = 1.0
"""Time between two looks at whose receipts can go."""
BROKEN_RECORDS: Final = 10
"""Most broken files that one run records: a `watch` that was taken over could plant thousands."""
WAITING: Final = "waiting"
"""The folder of the events, as the ledger names it when it is none."""

log = logging.getLogger(__name__)


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
    flights: Flights = field(default_factory=Flights)
    """Events handed to the broker on this connection and not receipted yet."""
    unsent: Unsent = field(init=False)
    """Events that were not handed to the broker on this connection."""

    def __post_init__(self) -> None:
        self.unsent = Unsent(self.outbox)


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
        courier.unsent.start_over()
        return []
    flying = courier.flights.land(time.monotonic())
    room = min(courier.connection.window - flying, courier.connection.room)
    if room < 1:
        return []
    _look_for_new(courier)

    def settled(name: str) -> bool:
        return name in courier.flights or name in courier.hand_over.names or name in courier.broken

    return list(islice(chain(courier.unsent.names(settled), courier.flights.due()), room))


def send_event(courier: Courier, name: str) -> None:
    """Publish one event; skip and record it if the file has changed on the disk.

    If the connection has just ended, the event waits for the next one.
    """
    try:
        sealed = verify(courier.outbox.read_sealed(name), courier.camera).sealed
    except FileNotFoundError:  # `watch` has just removed it.
        courier.unsent.drop(name)
        courier.flights.remove(name)
        return
    except (FormatError, ForeignFile):
        courier.flights.remove(name)
        _skip(courier, name)
        return
    before = courier.flights.get(name)
    tries = before.tries + 1 if before else 1
    wait_s = wait_before(RETRY_S, tries)
    topic = str(Topic(sealed.header.sender, Channel.EVENT))
    try:
        number = courier.connection.publish(topic, sealed.blob, expires_s=int(wait_s))
    except NotConnected:
        return
    except BrokerTooSmall as error:
        log.warning("%s", error)
        courier.ledger.append_if_room(Happening.FAULT, {"code": "broker_too_small"})
        number, wait_s = 0, RETRY_S[1]
    again_s = time.monotonic() + wait_s
    courier.flights.add(Flight(name, sealed.digest, number, again_s, tries))


def retry_soon(courier: Courier, number: int) -> None:
    """Send an event again soon: the broker refused it, or had no subscriber for it."""
    flight = courier.flights.of_message(number)
    if flight is not None:
        log.info("Event %s was not delivered: it is kept and sent again.", flight.name)
        again_s = time.monotonic() + wait_before(NO_RECEIVER_S, flight.tries)
        courier.flights.postpone(flight, again_s)


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
    """Remove the receipts whose events are gone from the outbox."""
    courier.tidied_s = time.monotonic()
    courier.unsent.put_back(courier.hand_over.check())
    try:
        courier.hand_over.drop_gone()
    except ForeignFile:
        _skip(courier, WAITING)
    courier.hand_over.record()


def hand_over_receipt(courier: Courier, blob: bytes) -> None:
    """Hand a verified receipt over to `watch`, which deletes its event; else log and drop it."""
    try:
        receipt, content = courier.hand_over.open(blob)
    except FormatError as error:
        log.warning("A message on the receipts' topic is no receipt: %s", error)
        return
    flight = courier.flights.of_envelope(receipt.envelope_digest)
    if flight is not None and courier.hand_over.put(flight.name, receipt, content):
        courier.flights.remove(flight.name)


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


def _look_for_new(courier: Courier) -> None:
    """Look for new events, and forget the broken files that are gone."""
    try:
        listed = courier.unsent.look()
    except ForeignFile:
        _skip(courier, WAITING)
        return
    if listed is not None:
        courier.broken &= listed | {WAITING}


def _skip(courier: Courier, name: str) -> None:
    """Record a name in the outbox that is no event of this camera, once, and few in one run."""
    if name in courier.broken:
        return
    courier.broken.add(name)
    if courier.recorded < BROKEN_RECORDS:
        courier.recorded += 1
        shown = name.encode(errors="backslashreplace").decode()  # A name can be no UTF-8.
        courier.ledger.append_if_room(Happening.FAULT, {"code": "outbox_broken", "name": shown})
