"""From the camera's outbox to the estate's store and back, over a real broker."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from estate.receiver import Receiver, receive
from estate.store import Store
from estate.tests.events import sealed_event
from firmware.courier import Courier, deliver, settle
from firmware.delivery.outbox import Link, Outbox
from firmware.identity import courier_key, watch_keys
from firmware.record.ledger import Ledger
from firmware.tests.fakes import eventually, records
from formats.envelope import NO_PREVIOUS, Origin, Sealed, TimeQuality
from formats.ledger import Happening, Program
from formats.receipt import Receipt, seal_receipt
from formats.topics import Channel, Topic, every_camera
from wire.connection import Connection
from wire.tests.broker import Broker

pytestmark = [
    pytest.mark.broker,
    # paho leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]

ESTATE = SigningKey(bytes([61]) * 32)
STRANGER = SigningKey(bytes([9]) * 32)


class Died(Exception):
    """A receiver was killed, as far as a test can kill a thread."""


class DyingStore(Store):
    """Keeps the event, and is gone before anybody is told."""

    def keep(self, sealed: Sealed, stored_utc_ms: int) -> bool:
        super().keep(sealed, stored_utc_ms)
        raise Died


@dataclass
class Line:
    """A camera's outbox, the broker, and an estate's store."""

    broker: Broker
    folder: Path

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.broker.state.outbox)
        self.outbox.trust_receipts_from(bytes(ESTATE.verify_key))
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
        connection = self.broker.connection(self.broker.name, str(Topic(camera, Channel.RECEIPT)))
        ledger = Ledger(self.broker.state.courier, Program.COURIER)
        return Courier(self.outbox, connection, courier_key(self.broker.state), ledger)

    def receiver(
        self,
        *,
        store: Store | None = None,
        key: SigningKey = ESTATE,
        on_stored: Callable[[Sealed], None] = lambda _: None,
    ) -> Receiver:
        connection = self.broker.connection("receiver", every_camera(Channel.EVENT), 60)
        cameras = {self.broker.camera.camera_id: self.broker.camera}
        return Receiver(connection, store or self.store, cameras, key, on_stored)

    def receipted(self) -> list[int | str]:
        """The digests for which the camera's ledger has a receipt."""
        bodies = records(self.broker.state.courier, Happening.EVENT_RECEIPTED)
        return [body["envelope"] for body in bodies]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(Broker(tmp_path), tmp_path)
    line.broker.start()
    yield line
    line.broker.kill()
    line.store.close()


@contextmanager
def working(*programs: Callable[[Callable[[], bool]], None]) -> Iterator[None]:
    """Programs that run until the block ends."""
    stopped = threading.Event()
    threads = [
        threading.Thread(target=program, args=(lambda: not stopped.is_set(),))
        for program in programs
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def carrying(courier: Courier) -> Callable[[Callable[[], bool]], None]:
    return lambda running: deliver(courier, running)


def taking(receiver: Receiver) -> Callable[[Callable[[], bool]], None]:
    return lambda running: receive(receiver, running)


def listening(connection: Connection) -> Callable[[Callable[[], bool]], None]:
    """Somebody who takes messages and does nothing else."""

    def listen(running: Callable[[], bool]) -> None:
        while running():
            connection.turn(0.02)
        connection.close()

    return listen


def receipt_for(line: Line, digest: bytes, *, sender: SigningKey = ESTATE) -> bytes:
    camera = line.broker.camera
    origin = Origin(bytes(16), 1, 0, TimeQuality.UNSYNCHRONISED, NO_PREVIOUS)
    receipt = Receipt(camera.camera_id, bytes(16), 1, digest, 1)
    to = [camera.receipt_key]
    return seal_receipt(receipt, sender=sender, recipients=to, origin=origin).blob


def test_an_event_is_kept_receipted_and_only_then_removed(line: Line) -> None:
    (sealed,) = line.put()
    seen: list[Sealed] = []
    with working(carrying(line.courier()), taking(line.receiver(on_stored=seen.append))):
        eventually(lambda: not line.outbox.names())
    assert list(line.store.envelopes()) == seen == [sealed]
    assert line.receipted() == [sealed.digest.hex()]


def test_sixty_events_are_delivered_once_each_in_a_few_seconds(line: Line) -> None:
    events = line.put(60)
    with working(carrying(line.courier()), taking(line.receiver())):
        eventually(lambda: not line.outbox.names(), within_s=8)
    assert {one.digest for one in line.store.envelopes()} == {one.digest for one in events}
    assert len(line.receipted()) == line.store.count() == 60


def test_the_brokers_own_acknowledgement_removes_nothing(line: Line) -> None:
    line.put()
    courier = line.courier()
    auditor = line.broker.connection("auditor", every_camera(Channel.EVENT))
    with working(listening(auditor)):
        eventually(lambda: auditor.connected)
        with working(carrying(courier)):
            eventually(lambda: courier.flights and auditor._arrived)
            time.sleep(0.2)
    assert len(line.outbox.names()) == 1
    assert line.receipted() == []


def test_without_a_receiver_the_event_waits_for_one(line: Line) -> None:
    line.put()
    courier = line.courier()
    with working(carrying(courier)):
        eventually(lambda: courier.flights)
    with working(carrying(line.courier()), taking(line.receiver())):
        eventually(lambda: not line.outbox.names())
    assert line.store.count() == 1


def test_a_receipt_that_another_key_signed_removes_nothing(line: Line) -> None:
    line.put()
    told: list[Sealed] = []
    receiver = line.receiver(key=STRANGER, on_stored=told.append)
    with working(carrying(line.courier()), taking(receiver)):
        eventually(lambda: told)
        time.sleep(0.2)
    assert len(line.outbox.names()) == 1
    assert line.receipted() == []


@pytest.mark.parametrize(
    "blob",
    [b"", b"nonsense", b"TALLYRC1" + bytes(1400)],
)
def test_what_is_no_receipt_removes_nothing(line: Line, blob: bytes) -> None:
    courier = flying(line)
    settle(courier, blob)
    assert len(line.outbox.names()) == 1


def test_a_receipt_for_another_event_removes_nothing(line: Line) -> None:
    courier = flying(line)
    settle(courier, receipt_for(line, bytes(32)))
    assert len(line.outbox.names()) == 1
    assert line.receipted() == []


def test_a_forged_receipt_removes_nothing(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights.values()
    settle(courier, receipt_for(line, flight.digest, sender=STRANGER))
    assert len(line.outbox.names()) == 1


def test_before_it_is_known_whose_receipts_count_none_does(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights.values()
    (line.broker.state.outbox / "receipts-from").unlink()
    settle(courier, receipt_for(line, flight.digest))
    assert len(line.outbox.names()) == 1


def test_a_receipt_that_comes_twice_removes_once(line: Line) -> None:
    courier = flying(line)
    (flight,) = courier.flights.values()
    settle(courier, receipt_for(line, flight.digest))
    settle(courier, receipt_for(line, flight.digest))
    assert (line.outbox.names(), len(line.receipted())) == ([], 1)


def flying(line: Line) -> Courier:
    """A courier that has sent one event and is gone from the broker."""
    line.put()
    courier = line.courier()
    with working(carrying(courier)):
        eventually(lambda: courier.flights)
    return courier


def test_an_event_that_comes_twice_is_kept_once_and_answered_twice(line: Line) -> None:
    (sealed,) = line.put()
    camera = line.broker.camera.camera_id
    sender = line.broker.connection(line.broker.name, str(Topic(camera, Channel.RECEIPT)))
    receiver = line.receiver()
    with working(taking(receiver)):
        eventually(lambda: receiver.connection.connected)
        with working(listening(sender)):
            eventually(lambda: sender.connected)
            for _ in range(2):
                sender.publish(str(Topic(camera, Channel.EVENT)), sealed.blob)
            eventually(lambda: len(sender._arrived) == 2)
    assert line.store.count() == 1


def test_what_is_refused_is_not_sent_again(line: Line) -> None:
    camera = line.broker.camera.camera_id
    sender = line.broker.connection(line.broker.name, str(Topic(camera, Channel.RECEIPT)))
    receiver = line.receiver()
    with working(taking(receiver)):
        eventually(lambda: receiver.connection.connected)
        with working(listening(sender)):
            eventually(lambda: sender.connected)
            sender.publish(str(Topic(camera, Channel.EVENT)), b"nonsense")
            eventually(lambda: sender._acknowledged)
        time.sleep(0.2)
    again = line.broker.connection("receiver", every_camera(Channel.EVENT), 60)
    with working(listening(again)):
        eventually(lambda: again.connected)
        time.sleep(0.2)
    assert not again._arrived
    assert line.store.count() == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_receiver_that_dies_after_keeping_gets_the_event_again(line: Line) -> None:
    (sealed,) = line.put()
    dying, told = line.opened_store(DyingStore), list[Sealed]()
    doomed = line.receiver(store=dying)
    with working(taking(doomed)):
        eventually(lambda: doomed.connection.connected)
        with working(carrying(line.courier())):
            eventually(lambda: line.store.count() == 1)
    dying.close()
    assert len(line.outbox.names()) == 1
    with working(carrying(line.courier()), taking(line.receiver(on_stored=told.append))):
        eventually(lambda: not line.outbox.names())
    assert (line.store.count(), told) == (1, [])
    assert line.receipted() == [sealed.digest.hex()]


def test_a_broker_that_is_killed_loses_and_doubles_nothing(line: Line) -> None:
    events, receiver = line.put(60), line.receiver()
    with working(taking(receiver)):
        eventually(lambda: receiver.connection.connected)
        with working(carrying(line.courier())):
            eventually(lambda: line.store.count() >= 5)
            line.broker.kill()
        eventually(lambda: not receiver.connection.connected)
        line.broker.start()
        eventually(lambda: receiver.connection.connected)
        with working(carrying(line.courier())):
            eventually(lambda: not line.outbox.names(), within_s=20)
    assert {one.digest for one in line.store.envelopes()} == {one.digest for one in events}
    assert line.store.count() == 60


def test_a_connection_that_ends_while_sending_ends_nothing_else(line: Line) -> None:
    line.put(20)
    courier = line.courier()
    with working(carrying(courier)):
        eventually(lambda: courier.connection.connected)
        line.broker.kill()
        line.broker.start()
        with working(taking(line.receiver())):
            eventually(lambda: not line.outbox.names(), within_s=20)
    assert line.store.count() == 20


def test_a_broken_event_is_set_aside_and_the_others_go_on(line: Line) -> None:
    line.put(2)
    waiting = line.broker.state.outbox / "waiting" / "000000000001"
    waiting.write_bytes(b"broken")
    with working(carrying(line.courier()), taking(line.receiver())):
        eventually(lambda: not line.outbox.names())
    assert line.store.count() == 1
    assert records(line.broker.state.courier, Happening.FAULT) == [
        {"code": "outbox_broken", "name": "000000000001"}
    ]
