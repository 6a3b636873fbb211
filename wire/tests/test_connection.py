"""One connection and a real broker on loopback: delivery, reconnection, backoff, kept sessions."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from formats.topics import Channel, Topic
from wire.answers import Acknowledged
from wire.errors import NotConnected
from wire.limits import IN_FLIGHT
from wire.message import Message
from wire.tests.broker import HOST, Broker, free_port
from wire.tests.exchanges import (
    answered,
    camera,
    connected,
    event,
    open_to,
    received,
    receiver,
    run_until,
)

pytestmark = pytest.mark.broker

failed_handshakes = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
"""paho leaves the socket of a failed handshake to the garbage collector."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.kill()


def test_what_is_published_arrives(broker: Broker) -> None:
    with open_to(camera(broker)) as sender, open_to(receiver(broker)) as taker:
        connected(taker)
        connected(sender).publish(event(broker), b"sealed")
        message = received(taker, sender)
        assert (message.topic, message.payload) == (event(broker), b"sealed")


def test_a_message_with_a_subscriber_is_delivered(broker: Broker) -> None:
    with open_to(camera(broker)) as sender, open_to(receiver(broker)) as taker:
        connected(taker)
        number = connected(sender).publish(event(broker), b"sealed")
        assert answered(sender, taker) == Acknowledged(number, delivered=True)


def test_a_message_without_a_subscriber_is_not_delivered(broker: Broker) -> None:
    with open_to(camera(broker)) as sender:
        number = connected(sender).publish(event(broker), b"sealed")
        assert answered(sender) == Acknowledged(number, delivered=False)


def test_a_message_on_a_forbidden_topic_is_not_delivered(broker: Broker) -> None:
    forbidden = str(Topic(bytes(16), Channel.EVENT))
    with open_to(camera(broker)) as sender, open_to(receiver(broker)) as taker:
        connected(taker)
        number = connected(sender).publish(forbidden, b"sealed")
        refused = Acknowledged(number, delivered=False, refused=True)
        assert answered(sender, taker) == refused
        assert list(taker.take_arrived()) == []


@failed_handshakes
def test_a_broker_that_is_killed_is_found_again(broker: Broker) -> None:
    with open_to(camera(broker)) as sender:
        connected(sender)
        broker.kill()
        run_until(lambda: not sender.connected, sender)
        broker.start()
        connected(sender)


@failed_handshakes
def test_after_a_reconnection_the_subscription_holds(broker: Broker) -> None:
    with open_to(camera(broker)) as sender, open_to(receiver(broker)) as taker:
        connected(taker)
        broker.kill()
        run_until(lambda: not taker.connected, taker)
        broker.start()
        connected(taker)
        connected(sender).publish(event(broker), b"sealed")
        assert received(taker, sender).payload == b"sealed"


def test_an_unacknowledged_message_comes_again_in_a_kept_session(broker: Broker) -> None:
    with open_to(camera(broker)) as sender:
        with open_to(receiver(broker, session_s=60)) as taker:
            connected(taker)
            connected(sender).publish(event(broker), b"sealed")
            received(taker, sender)
        with open_to(receiver(broker, session_s=60)) as taker:
            assert received(taker).payload == b"sealed"


def test_an_acknowledged_message_does_not_come_again(broker: Broker) -> None:
    with open_to(camera(broker)) as sender:
        with open_to(receiver(broker, session_s=60)) as taker:
            connected(taker)
            connected(sender).publish(event(broker), b"first")
            taker.acknowledge(received(taker, sender))
            taker.run_network(0.1)
        connected(sender).publish(event(broker), b"second")
        with open_to(receiver(broker, session_s=60)) as taker:
            assert received(taker, sender).payload == b"second"


def test_a_kept_session_outlasts_a_broker_that_was_stopped(broker: Broker) -> None:
    with open_to(camera(broker)) as sender:
        with open_to(receiver(broker, session_s=60)) as taker:
            connected(taker)
        connected(sender).publish(event(broker), b"sealed")
        answered(sender)
        broker.stop()
        broker.start()
        with open_to(receiver(broker, session_s=60)) as taker:
            assert received(taker).payload == b"sealed"


def test_without_a_broker_nothing_is_sent_or_queued(tmp_path: Path) -> None:
    with open_to(camera(Broker(tmp_path))) as sender:
        sender.run_network(0.01)
        with pytest.raises(NotConnected):
            sender.publish("tallylight/v1/nowhere", b"sealed")
        assert not sender.connected


@failed_handshakes
def test_what_was_not_acknowledged_is_forgotten_with_the_connection(broker: Broker) -> None:
    with open_to(camera(broker)) as sender, open_to(receiver(broker)) as taker:
        connected(sender)
        broker.kill()
        sender.publish(event(broker), b"lost")
        run_until(lambda: not sender.connected, sender)
        broker.start()
        connected(taker)
        connected(sender).publish(event(broker), b"sent again by its owner")
        assert received(taker, sender).payload == b"sent again by its owner"


def test_more_messages_than_may_be_in_flight_all_arrive(broker: Broker) -> None:
    count = 3 * IN_FLIGHT
    with open_to(camera(broker)) as sender, open_to(receiver(broker)) as taker:
        connected(taker)
        connected(sender)
        for number in range(count):
            sender.publish(event(broker), bytes([number]))
        arrived: list[bytes] = []

        def all_of_them() -> bool:
            for message in taker.take_arrived():
                arrived.append(message.payload)
                taker.acknowledge(message)
            return len(arrived) == count

        run_until(all_of_them, sender, taker)
        assert arrived == [bytes([number]) for number in range(count)]


@failed_handshakes
def test_attempts_are_further_and_further_apart(tmp_path: Path) -> None:
    broker, attempts = Broker(tmp_path), list[float]()
    with (
        socket.create_server((HOST, broker.port)) as door,
        hanging_up(door, attempts),
        open_to(camera(broker)) as caller,
    ):
        run_until(lambda: len(attempts) == 3, caller)
    assert attempts[1] - attempts[0] >= 0.5
    assert attempts[2] - attempts[1] >= 1.0


@contextmanager
def hanging_up(door: socket.socket, at_s: list[float]) -> Iterator[None]:
    """Take calls and hang up at once, noting when."""
    ended = threading.Event()

    def serve() -> None:
        door.settimeout(0.05)
        while not ended.is_set():
            try:
                caller, _ = door.accept()
            except TimeoutError:
                continue
            at_s.append(time.monotonic())
            caller.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_closing_what_was_never_open_does_nothing(tmp_path: Path) -> None:
    broker = Broker(tmp_path, port=free_port())
    camera(broker).close()


def test_a_payload_is_not_shown() -> None:
    assert "secret" not in repr(Message(1, "topic", b"secret"))
