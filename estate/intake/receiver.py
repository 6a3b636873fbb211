"""Takes sealed events from the broker, keeps them sealed, and answers with a signed receipt.

The order is the promise: verify, write durably, send the receipt, and only then tell the broker
that the event has arrived. Whatever fails in between, the event comes again, and a second copy is
recognised by camera, boot, sequence and digest. What was kept and not yet shown when a receiver
ended is shown by the next: an event may be shown twice, and never not at all. The order in which
events come means nothing, so several receivers may share the work. No key here opens an event.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import Final

from nacl.signing import SigningKey

from estate.errors import NoCamera
from estate.intake.chains import SETTLED_MS, Fork, Gap, chains
from estate.store.envelopes import Store
from formats.camera_request import REQUEST_LIMIT, CameraIdentity, read_request
from formats.envelope import NO_PREVIOUS, Kind, Origin, Sealed, TimeQuality, read, verify
from formats.errors import FormatError, Malformed
from formats.receipt import Receipt, seal_receipt
from formats.topics import Channel, Topic, parse_topic
from wire.connection import Connection, Message
from wire.errors import NotConnected

TURN_S: Final = 0.02
"""Longest wait for the network in one turn."""
SESSION_S: Final = 300
"""The broker keeps events for an absent receiver this long: enough for a restart. Cameras keep what
nobody answered, so a longer one would only fill with copies."""
INSPECT_S: Final = 60.0
"""Time between two looks at what is missing."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Receiver:
    """What one receiver works with."""

    connection: Connection
    store: Store
    cameras: Mapping[bytes, CameraIdentity]
    """The cameras that may send, by id."""
    key: SigningKey
    """Signs receipts."""
    on_stored: Callable[[Sealed], None]
    """Told of every event that is new in the store, after the receipt was sent."""
    boot_id: bytes = field(default_factory=lambda: token_bytes(16))
    sequence: int = 0
    previous: bytes = NO_PREVIOUS
    inspected_s: float = 0.0
    """CLOCK_MONOTONIC of the last look at what is missing."""
    told: set[Gap | Fork] = field(default_factory=set)
    """Gaps and forks that were told of already."""


def receive(receiver: Receiver, running: Callable[[], bool]) -> None:
    """Show what was kept and not shown; then take what comes until `running` says no."""
    for sealed in receiver.store.envelopes(unshown=True):
        _show(receiver, sealed)
    try:
        while running():
            receiver.connection.run_network(TURN_S)
            for message in receiver.connection.take_arrived():
                take(receiver, message)
            if time.monotonic() - receiver.inspected_s >= INSPECT_S:
                inspect(receiver)
    finally:
        receiver.connection.close()


def inspect(receiver: Receiver) -> None:
    """Say which camera's events are missing or forked, each once."""
    receiver.inspected_s = time.monotonic()
    for chain in chains(receiver.store, time.time_ns() // 1_000_000 - SETTLED_MS):
        for gap in set(chain.gaps) - receiver.told:
            log.warning(
                "Camera %s: at least one event before event %d is missing.",
                chain.camera.hex(),
                gap.sequence,
            )
        if set(chain.forks) - receiver.told:
            log.warning("Camera %s: its chain of events forks.", chain.camera.hex())
        receiver.told.update(chain.gaps, chain.forks)


def take(receiver: Receiver, message: Message) -> None:
    """Keep one event and answer it; refuse anything else.

    (0) The topic names a camera that may send.
    (1) The envelope is whole, and signed by the camera that the topic names.
    (2) It is written durably, or already was.
    (3) The receipt is sent.
    (4) The broker is told that the event has arrived.
    """
    try:
        camera = _sender(receiver.cameras, message.topic)  # (0)
        sealed = read(Kind.EVENT, message.payload)
        verify(sealed, camera.sign_key)  # (1)
    except FormatError as error:
        log.warning("A message was refused: %s", error)
        receiver.connection.acknowledge(message)
        return
    stored_utc_ms = time.time_ns() // 1_000_000
    new = receiver.store.keep(sealed, stored_utc_ms)  # (2)
    try:
        _answer(receiver, camera, sealed, stored_utc_ms)  # (3)
    except NotConnected:
        return  # It comes again, and is answered then.
    receiver.connection.acknowledge(message)  # (4)
    if new:
        _show(receiver, sealed)


def _show(receiver: Receiver, sealed: Sealed) -> None:
    receiver.on_stored(sealed)
    receiver.store.shown(sealed)


def read_cameras(folder: Path) -> dict[bytes, CameraIdentity]:
    """Return the cameras whose enrolment requests lie in the folder, by id.

    Raises:
        NoCamera: there is none, or one is broken.
    """
    cameras = {}
    for path in sorted(folder.glob("*.json")):
        try:
            with path.open("rb") as file:
                identity = read_request(file.read(REQUEST_LIMIT + 1)).identity
        except (OSError, FormatError) as error:
            raise NoCamera(f"{path} is no enrolment request: {error}") from error
        cameras[identity.camera_id] = identity
    if not cameras:
        raise NoCamera(f"There is no enrolment request in {folder}: enrol a camera first.")
    return cameras


def _sender(cameras: Mapping[bytes, CameraIdentity], topic: str) -> CameraIdentity:
    sender = parse_topic(topic)
    if sender.channel is not Channel.EVENT or sender.camera not in cameras:
        raise Malformed("It comes from no camera of this site.")
    return cameras[sender.camera]


def _answer(receiver: Receiver, camera: CameraIdentity, sealed: Sealed, stored_utc_ms: int) -> None:
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
