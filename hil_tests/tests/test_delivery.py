"""Delivery from the camera's outbox to the estate's store, and receipts back, by a real broker."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from estate.errors import StoreRefused
from estate.intake.receiver import Receiver, receive
from estate.store.envelopes import Store
from firmware.courier import Courier, deliver, send_event
from firmware.tests.observations import eventually, records
from formats.envelope import Sealed
from formats.ledger import Happening
from formats.site_bundle import write_bundle
from formats.topics import Channel, Topic, every_camera, shared
from hil_tests.tests.line import STRANGER, Line
from wire.connection import Connection
from wire.tests.broker import Broker

pytestmark = [
    pytest.mark.broker,
    # paho leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]


class Died(Exception):
    """A receiver was killed, as far as a test can kill a thread."""


class DyingStore(Store):
    """Store the event, and die before the receipt is sent."""

    def add_envelopes(
        self, group: Sequence[Sealed], stored_utc_ms: int, shown: Sequence[Sealed] = ()
    ) -> list[bool]:
        super().add_envelopes(group, stored_utc_ms, shown)
        raise Died


class PausingStore(Store):
    """A store whose database is away for a while."""

    away = True

    def add_envelopes(
        self, group: Sequence[Sealed], stored_utc_ms: int, shown: Sequence[Sealed] = ()
    ) -> list[bool]:
        if self.away:
            raise StoreRefused("The store cannot be written: check its disk and rights.")
        return super().add_envelopes(group, stored_utc_ms, shown)

    def count(self) -> int:
        if self.away:
            raise StoreRefused("The store cannot be read: check its disk and rights.")
        return super().count()


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


@contextmanager
def delivering(line: Line, receiver: Receiver) -> Iterator[None]:
    """A receiver, and once it listens, a courier."""
    with working(taking(receiver)):
        eventually(lambda: receiver.connection.connected)
        with working(carrying(line.courier())):
            yield


def listening(connection: Connection) -> Callable[[Callable[[], bool]], None]:
    """A subscriber that receives messages and does nothing else."""

    def listen(running: Callable[[], bool]) -> None:
        while running():
            connection.run_network(0.02)
        connection.close()

    return listen


def run_until(connection: Connection, holds: Callable[[], object]) -> None:
    """Hold a connection open until a condition holds."""

    def turned() -> object:
        connection.run_network(0.02)
        return holds()

    eventually(turned)


def test_an_event_is_kept_receipted_and_only_then_removed(line: Line) -> None:
    (sealed,) = line.put()
    seen: list[Sealed] = []
    with delivering(line, line.receiver(on_stored=seen.append)):
        eventually(lambda: not line.waiting())
    assert list(line.store.envelopes()) == seen == [sealed]
    assert line.receipted() == [sealed.digest.hex()]


def test_sixty_events_are_delivered_once_each_in_a_few_seconds(line: Line) -> None:
    events = line.put(60)
    with delivering(line, line.receiver()):
        eventually(lambda: not line.waiting())
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
    assert len(line.waiting()) == 1
    assert line.receipted() == []


def test_without_a_receiver_the_event_waits_for_one(line: Line) -> None:
    line.put()
    courier = line.courier()
    with working(carrying(courier)):
        eventually(lambda: courier.flights)
    with delivering(line, line.receiver()):
        eventually(lambda: not line.waiting())
    assert line.store.count() == 1


def test_a_receipt_that_another_key_signed_removes_nothing(line: Line) -> None:
    line.put()
    told: list[Sealed] = []
    receiver = line.receiver(key=STRANGER, on_stored=told.append)
    with delivering(line, receiver):
        eventually(lambda: told)
        time.sleep(0.2)
    assert len(line.waiting()) == 1
    assert line.receipted() == []


def test_an_event_that_comes_twice_is_kept_once_and_answered_twice(line: Line) -> None:
    (sealed,) = line.put()
    camera = line.broker.camera.camera_id
    sender = line.broker.connection(line.broker.name, str(Topic(camera, Channel.RECEIPT)))
    receiver = line.receiver()
    with working(taking(receiver)):
        eventually(lambda: receiver.connection.connected)
        run_until(sender, lambda: sender.connected)
        for _ in range(2):
            sender.publish(str(Topic(camera, Channel.EVENT)), sealed.blob)
        run_until(sender, lambda: len(sender._arrived) == 2)
    sender.close()
    assert line.store.count() == 1


def test_what_is_refused_is_not_sent_again(line: Line) -> None:
    camera = line.broker.camera.camera_id
    sender = line.broker.connection(line.broker.name, str(Topic(camera, Channel.RECEIPT)))
    receiver = line.receiver()
    with working(taking(receiver)):
        eventually(lambda: receiver.connection.connected)
        run_until(sender, lambda: sender.connected)
        sender.publish(str(Topic(camera, Channel.EVENT)), b"nonsense")
        run_until(sender, lambda: sender._acknowledged)
        time.sleep(0.2)
    sender.close()
    again = line.broker.connection("receiver", shared("receivers", Channel.EVENT), 60)
    with working(listening(again)):
        eventually(lambda: again.connected)
        time.sleep(0.2)
    assert not again._arrived
    assert line.store.count() == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_receiver_that_dies_after_keeping_gets_the_event_again(line: Line) -> None:
    (sealed,) = line.put()
    dying, told = line.opened_store(DyingStore), list[Sealed]()
    with delivering(line, line.receiver(store=dying)):
        eventually(lambda: line.store.count() == 1)
    dying.close()
    assert len(line.waiting()) == 1
    with delivering(line, line.receiver(on_stored=told.append)):
        eventually(lambda: not line.waiting())
    assert (line.store.count(), told) == (
        1,
        [sealed],
    )  # One stored it, the other showed it.
    assert line.receipted() == [sealed.digest.hex()]


def test_what_was_shown_is_not_shown_again(line: Line) -> None:
    told: list[Sealed] = []
    line.put()
    with delivering(line, line.receiver(on_stored=told.append)):
        eventually(lambda: told and not line.waiting())
    receiver = line.receiver(on_stored=told.append)
    with working(taking(receiver)):
        eventually(lambda: receiver.connection.connected)
    assert len(told) == 1


def test_two_receivers_share_the_work_and_one_store(line: Line) -> None:
    events = line.put(40)
    taken: dict[str, list[Sealed]] = {"receiver": [], "receiver-2": []}
    receivers = [line.receiver(name=name, on_stored=seen.append) for name, seen in taken.items()]
    with working(*map(taking, receivers)):
        for receiver in receivers:
            eventually(lambda one=receiver: one.connection.connected)  # type: ignore[misc]
        with working(carrying(line.courier())):
            eventually(lambda: not line.waiting(), within_s=30)
    assert {one.digest for seen in taken.values() for one in seen} == {e.digest for e in events}
    assert all(taken.values())
    assert line.store.count() == 40


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
            eventually(lambda: not line.waiting(), within_s=30)
    assert {one.digest for one in line.store.envelopes()} == {one.digest for one in events}
    assert line.store.count() == 60


def test_a_connection_that_ends_between_two_events_ends_nothing_else(line: Line) -> None:
    line.put(10)
    courier = line.courier()
    run_until(courier.connection, lambda: courier.connection.connected)
    line.broker.kill()
    for name in line.waiting():
        send_event(courier, name)
    assert not courier.connection.connected
    assert len(line.waiting()) == 10
    courier.connection.close()


def test_a_courier_finds_its_way_back(line: Line) -> None:
    line.put(20)
    courier = line.courier()
    with working(carrying(courier)):
        eventually(lambda: courier.connection.connected)
        line.broker.kill()
        line.broker.start()
        with working(taking(line.receiver())):
            eventually(lambda: not line.waiting(), within_s=30)
    assert line.store.count() == 20


def test_what_the_site_published_lies_in_the_inbox_as_it_came(line: Line) -> None:
    files = {"metadata/1.root.json": b"root", "metadata/timestamp.json": b"1"}
    topic = str(Topic(line.broker.camera.camera_id, Channel.SITE))
    publisher = line.broker.connection("publisher", ())
    run_until(publisher, lambda: publisher.connected)
    publisher.publish(topic, write_bundle(files), retain=True)
    run_until(publisher, lambda: publisher._acknowledged)
    publisher.close()
    timestamp = line.broker.state.inbox / "metadata" / "timestamp.json"
    with working(carrying(line.courier())):
        eventually(timestamp.exists)
    assert timestamp.read_bytes() == b"1"


def test_a_broken_event_is_skipped_and_the_others_go_on(line: Line) -> None:
    line.put(2)
    waiting = line.broker.state.outbox / "waiting" / "000000000001"
    waiting.write_bytes(b"broken")
    with delivering(line, line.receiver()):
        eventually(lambda: line.waiting() == ["000000000001"])
    assert line.store.count() == 1
    assert records(line.broker.state.courier, Happening.FAULT) == [
        {"code": "outbox_broken", "name": "000000000001"}
    ]


def test_a_receiver_whose_database_is_away_says_so_once_acknowledges_nothing_and_goes_on(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.put(3)
    store = line.opened_store(PausingStore)
    assert isinstance(store, PausingStore)
    with delivering(line, line.receiver(store=store)):
        eventually(lambda: "Nothing is acknowledged until it answers again" in caplog.text)
        time.sleep(1.2)  # Longer than the first wait.
        assert len(line.waiting()) == 3
        store.away = False
        eventually(lambda: line.waiting() == [], within_s=30)
    assert line.store.count() == 3
    said = [each.message for each in caplog.records if each.name == "estate.intake.receiver"]
    assert sum("Nothing is acknowledged" in each for each in said) == 1
    assert sum("The store answers again" in each for each in said) == 1
    store.close()


def test_an_event_of_a_camera_that_was_registered_later_is_kept(line: Line) -> None:
    line.put()
    receiver = line.receiver()
    known, receiver.cameras = receiver.cameras, {}
    receiver.read_cameras = lambda: known
    with delivering(line, receiver):
        eventually(lambda: line.waiting() == [])
    assert line.store.count() == 1
