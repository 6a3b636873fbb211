"""MQTT receiver: verifies sealed events, stores them durably, and answers with signed receipts.

The receiver verifies events, writes those of one turn durably in one transaction (group commit),
sends their receipts, and only then acknowledges the messages to the broker (at-least-once
delivery). If a step fails, the event comes again.
Deduplication: a second copy is recognised by camera, boot, sequence and digest. Each stored event
is shown at least once: a receiver begins with the events that the one before it stored and did not
show, and does so again when the store was away. After a crash or an outage an event can be shown
twice. Events may come in any order, and several receivers may share the work. The receiver holds no
key that opens an event.

An event that is sealed to others than the reviewers gets its receipt, so that the camera does not
send it for ever; it is stored as evidence, named in a warning and in the ledger, and not shown.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from secrets import token_bytes
from typing import Final, NamedTuple

from nacl.signing import SigningKey

from estate.errors import NoCamera, NotMet, RowRefused, SiteRefused, StoreRefused
from estate.intake.addressees import met_recipients, refuse_misaddressed
from estate.intake.losses import Losses
from estate.signed_site import VerifiedSite, store_list
from estate.store.envelopes import Store
from formats.camera_request import REQUEST_LIMIT, CameraIdentity, read_request
from formats.envelope import NO_PREVIOUS, Kind, Origin, Sealed, TimeQuality, read, verify
from formats.errors import FormatError, Malformed, Misaddressed
from formats.receipt import Receipt, seal_receipt
from formats.recipients import Recipients
from formats.topics import Channel, Topic, parse_topic
from wire.connection import Connection
from wire.errors import BrokerTooSmall, NotConnected
from wire.message import Message

TURN_S: Final = 0.02
"""Longest wait for the network in one turn."""
GROUP: Final = 20
"""Events that are stored in one transaction: those that arrived in one turn, at most so many. A
larger group gains little; a crash before its commit has as many delivered again."""
SESSION_S: Final = 300
"""MQTT session expiry: the broker keeps events for an absent receiver this long, enough for a
restart. Cameras keep events without a receipt, so a longer session would only collect copies."""
SITE_S: Final = 60.0
"""Time between two readings of the site, while an event names recipients that were not met."""
CAMERAS_S: Final = 5.0
"""Time between two readings of the registered cameras, while events of unknown ones come."""
PAUSE_S: Final = (1.0, 60.0)
"""Wait for a store that does not answer: the first, which doubles each time up to the second."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Receiver:
    """The connection, store, keys and counters of one receiver."""

    connection: Connection
    store: Store
    cameras: Mapping[bytes, CameraIdentity]
    """The cameras that may send, by id."""
    key: SigningKey
    """Signs receipts."""
    on_stored: Callable[[Sealed], None]
    """Called with every event that is new in the store, after its receipt was sent."""
    read_site: Callable[[], VerifiedSite] | None = None
    """Reads the site, so that the store meets the recipients; None if no site was set."""
    unmet: set[int] = field(default_factory=set)
    """Versions of the recipients that were logged as not met."""
    site_read_s: float = -SITE_S
    """CLOCK_MONOTONIC when the site was last read."""
    read_cameras: Callable[[], Mapping[bytes, CameraIdentity]] | None = None
    """Reads the registered cameras anew, when an event of an unknown one comes."""
    cameras_read_s: float = -CAMERAS_S
    """CLOCK_MONOTONIC when they were last read."""
    boot_id: bytes = field(default_factory=lambda: token_bytes(16))
    sequence: int = 0
    previous: bytes = NO_PREVIOUS
    shown: list[Sealed] = field(default_factory=list)
    """Events that were shown and are not yet marked so: the next group's transaction does it, or
    the next turn in which nothing arrives. After a crash they are shown again."""
    losses: Losses = field(default_factory=Losses)
    """Gaps and forks that were reported."""


def receive(receiver: Receiver, running: Callable[[], bool]) -> None:
    """Handle messages while `running` returns true.

    Stored events that were not shown are shown first, and after each time that the store was away.
    """
    try:
        _show_unshown(receiver, running)
        while running():
            try:
                _turn(receiver)
            except RowRefused as error:  # One row; the others go on.
                log.warning("%s", error)
            except StoreRefused as error:
                _await_store(receiver, error, running)
                # What the broken turn stored comes again as a copy: it is not new then.
                _show_unshown(receiver, running)
    finally:
        with suppress(StoreRefused):  # They are shown once more, then.
            _mark_shown(receiver)
        receiver.connection.close()


def _show_unshown(receiver: Receiver, running: Callable[[], bool]) -> None:
    """Show what was stored and not shown, by the receiver before this one or before an outage."""
    while True:
        try:
            _mark_shown(receiver)
            unshown = receiver.store.envelopes(unshown=True)
            while group := list(islice(unshown, GROUP)):
                _show(receiver, group)
                _mark_shown(receiver)
        except StoreRefused as error:
            _await_store(receiver, error, running)
            if running():
                continue
        return


def _turn(receiver: Receiver) -> None:
    """Handle what has arrived, and report losses now and then."""
    arrived = False
    receiver.connection.run_network(TURN_S)
    while group := list(islice(receiver.connection.take_arrived(), GROUP)):
        arrived = True
        handle_messages(receiver, group)
    if not arrived:
        _mark_shown(receiver)
    for _ in receiver.connection.take_acknowledged():
        pass  # A receipt that was not delivered is sent again when its event comes again.
    receiver.losses.report_if_due(receiver.store)


def _await_store(receiver: Receiver, error: StoreRefused, running: Callable[[], bool]) -> None:
    """Wait until the store answers. Nothing is acknowledged meanwhile: the broker keeps it.

    The connection is closed, so that the broker delivers again what was not acknowledged.
    """
    log.warning("%s Nothing is acknowledged until it answers again.", error)
    receiver.connection.close()
    wait_s = PAUSE_S[0]
    while running():
        until_s = time.monotonic() + wait_s
        while running() and time.monotonic() < until_s:
            time.sleep(TURN_S)
        with suppress(StoreRefused):
            receiver.store.count()
            log.warning("The store answers again.")
            return
        wait_s = min(2 * wait_s, PAUSE_S[1])


def handle_messages(receiver: Receiver, messages: Sequence[Message]) -> None:
    """Handle some MQTT messages: store events and send receipts; log and drop anything else.

    (0) The topic names a camera that may send.
    (1) The envelope is whole, and signed by the camera that the topic names.
    (2) The envelopes are written durably in one transaction, or were stored already.
    (3) Each receipt is sent, if the broker takes a message of its size.
    (4) Each message is acknowledged to the broker.
    (5) New events are shown.
    """
    arrived = [event for each in messages if (event := _read_event(receiver, each)) is not None]
    if not arrived:
        return
    stored_utc_ms = time.time_ns() // 1_000_000
    sealed = [each.sealed for each in arrived]
    new = receiver.store.add_envelopes(sealed, stored_utc_ms, receiver.shown)  # (2)
    receiver.shown.clear()
    for event in arrived:
        _answer(receiver, event, stored_utc_ms)
    _show(receiver, [each for each, is_new in zip(sealed, new, strict=True) if is_new])  # (5)


class _Arrived(NamedTuple):
    """A message with an event that its camera signed."""

    message: Message
    camera: CameraIdentity
    sealed: Sealed


def _read_event(receiver: Receiver, message: Message) -> _Arrived | None:
    """Return the event in a message; acknowledge a message that holds none, and return None."""
    try:
        camera = _registered_sender(receiver, message.topic)  # (0)
        sealed = read(Kind.EVENT, message.payload)
        verify(sealed, camera.sign_key)  # (1)
    except FormatError as error:
        log.warning("A message was refused: %s", error)
        with suppress(NotConnected):
            receiver.connection.acknowledge(message)
        return None
    return _Arrived(message, camera, sealed)


def _answer(receiver: Receiver, event: _Arrived, stored_utc_ms: int) -> None:
    """Send the receipt of a stored event, and acknowledge its message."""
    try:
        _send_receipt(receiver, event.camera, event.sealed, stored_utc_ms)  # (3)
    except NotConnected:
        return  # The broker delivers the event again, and it is answered then.
    except BrokerTooSmall as error:
        log.warning("A receipt cannot be sent, so its camera keeps the event: %s", error)
    with suppress(NotConnected):
        receiver.connection.acknowledge(event.message)  # (4)


def _show(receiver: Receiver, group: Sequence[Sealed]) -> None:
    """Show stored events; one whose row is refused stays unshown and does not stop the others."""
    met = met_recipients(receiver.store) if group else {}
    for sealed in group:
        try:
            _show_one(receiver, sealed, met)
        except RowRefused as error:
            log.warning("%s", error)
        else:
            receiver.shown.append(sealed)


def _mark_shown(receiver: Receiver) -> None:
    """Mark what was shown, where no further group came to do it in its own transaction."""
    receiver.store.mark_shown(receiver.shown)
    receiver.shown.clear()


def _show_one(receiver: Receiver, sealed: Sealed, met: dict[int, Recipients]) -> None:
    """Show a stored event, unless it is misaddressed: then name it in the log and the ledger."""
    name = f"Event {sealed.header.sequence} of camera {sealed.header.sender.hex()}"
    try:
        _check_addressees(receiver, sealed, met)
        receiver.on_stored(sealed)
    except Misaddressed as error:
        log.warning("%s is kept as evidence, and not opened: %s", name, error)
    except NotMet as error:
        if sealed.header.key_epoch not in receiver.unmet:
            log.warning("%s is stored, but not checked: %s", name, error)
        receiver.unmet.add(sealed.header.key_epoch)
        receiver.on_stored(sealed)


def _check_addressees(receiver: Receiver, sealed: Sealed, met: dict[int, Recipients]) -> None:
    try:
        refuse_misaddressed(receiver.store, sealed, met)
    except NotMet:
        if not _meet_site(receiver):
            raise
        met.update(met_recipients(receiver.store))
        refuse_misaddressed(receiver.store, sealed, met)


def _meet_site(receiver: Receiver) -> bool:
    """Read the site anew, if there is one and it is time. Return whether it was read."""
    if receiver.read_site is None or time.monotonic() - receiver.site_read_s < SITE_S:
        return False
    receiver.site_read_s = time.monotonic()
    try:
        site = receiver.read_site()
    except (SiteRefused, OSError) as error:
        log.warning("The site cannot be read: %s", error)
        return False
    with receiver.store.writing() as connection:
        store_list(connection, site)
    return True


def read_cameras(folder: Path) -> dict[bytes, CameraIdentity]:
    """Return the cameras whose registration requests lie in the folder, by id.

    Raises:
        NoCamera: there is no request, or one is broken.
    """
    cameras = {}
    for path in sorted(folder.glob("*.json")):
        try:
            with path.open("rb") as file:
                identity = read_request(file.read(REQUEST_LIMIT + 1)).identity
        except (OSError, FormatError) as error:
            raise NoCamera(f"{path} is no registration request: {error}") from error
        cameras[identity.camera_id] = identity
    if not cameras:
        raise NoCamera(f"There is no registration request in {folder}: register a camera first.")
    return cameras


def _registered_sender(receiver: Receiver, topic: str) -> CameraIdentity:
    """Return the camera of a topic; read the registered cameras anew if it is not known yet."""
    sender = parse_topic(topic)
    if sender.camera not in receiver.cameras:
        _read_cameras_anew(receiver)
    if sender.channel is not Channel.EVENT or sender.camera not in receiver.cameras:
        raise Malformed("It comes from no camera of this site.")
    return receiver.cameras[sender.camera]


def _read_cameras_anew(receiver: Receiver) -> None:
    if receiver.read_cameras is None or time.monotonic() - receiver.cameras_read_s < CAMERAS_S:
        return
    receiver.cameras_read_s = time.monotonic()
    try:
        receiver.cameras = receiver.read_cameras()
    except NoCamera as error:
        log.warning("The registered cameras cannot be read anew: %s", error)


def _send_receipt(
    receiver: Receiver, camera: CameraIdentity, sealed: Sealed, stored_utc_ms: int
) -> None:
    header = sealed.header
    receiver.sequence += 1
    receipt = seal_receipt(
        Receipt(header.sender, header.boot_id, header.sequence, sealed.digest, stored_utc_ms),
        sender=receiver.key,
        recipients=[camera.receipt_key],
        origin=Origin(
            boot_id=receiver.boot_id,
            sequence=receiver.sequence,
            key_epoch=0,
            time_quality=TimeQuality.UNSYNCHRONISED,
            previous=receiver.previous,
        ),
    )
    receiver.previous = receipt.digest
    receiver.connection.publish(str(Topic(header.sender, Channel.RECEIPT)), receipt.blob)
