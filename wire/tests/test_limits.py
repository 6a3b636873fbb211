"""A broker's limits (in flight, message size, expiry), MQTT versions, renewed certificates."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioning.broker.certificates import Authority, private_pem
from wire.answers import Acknowledged
from wire.backoff import Backoff
from wire.connection import Connection
from wire.errors import BrokerTooSmall
from wire.tests.broker import HOST, Broker
from wire.tests.exchanges import (
    answered,
    camera,
    connected,
    event,
    open_to,
    receiver,
    run_until,
)

pytestmark = [
    pytest.mark.broker,
    # paho leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.kill()


def started(broker: Broker, *lines: str) -> Broker:
    with (broker.files / "mosquitto.conf").open("a") as file:
        file.write("\n".join(lines) + "\n")
    broker.start()
    return broker


def test_the_brokers_receive_maximum_is_kept_to(broker: Broker) -> None:
    started(broker, "max_inflight_messages 3")
    with open_to(camera(broker)) as sender, open_to(receiver(broker)) as taker:
        connected(taker)
        connected(sender)
        for number in range(30):
            sender.publish(event(broker), bytes([number]))
        assert sender.window == 3
        run_until(lambda: len(sender._acknowledged) == 30, sender)
        assert all(answer.delivered for answer in sender.take_acknowledged())


def test_a_message_that_the_broker_would_not_take_is_not_sent(broker: Broker) -> None:
    started(broker, "max_packet_size 4000")
    with open_to(camera(broker)) as sender:
        connected(sender)
        with pytest.raises(BrokerTooSmall, match="4000 bytes"):
            sender.publish(event(broker), bytes(4000))
        assert not answered_after(sender, broker).delivered
        assert sender.connected


def answered_after(sender: Connection, broker: Broker) -> Acknowledged:
    sender.publish(event(broker), b"small")
    return answered(sender)


def test_a_copy_for_an_absent_receiver_ends_when_it_expires(broker: Broker) -> None:
    started(broker)
    with open_to(camera(broker)) as sender:
        with open_to(receiver(broker, session_s=60)) as taker:
            connected(taker)
        connected(sender).publish(event(broker), b"first", expires_s=1)
        sender.publish(event(broker), b"second", expires_s=60)
        run_until(lambda: len(sender._acknowledged) == 2, sender)
        turn_for(3.5, sender)  # mosquitto counts whole seconds: a copy of 1 s may live for nearly 2
        with open_to(receiver(broker, session_s=60)) as taker:
            run_until(lambda: taker.connected and taker._arrived, taker)
            assert [one.payload for one in taker.take_arrived()] == [b"second"]


def turn_for(seconds: float, sender: Connection) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        sender.run_network(0.05)


@contextmanager
def answering(broker: Broker, answer: bytes) -> Iterator[None]:
    """Run a server of this broker's name that answers every CONNECT with the same bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(broker.files / "server.pem", broker.files / "server.key")
    ended = threading.Event()

    def serve(door: socket.socket) -> None:
        door.settimeout(0.05)
        while not ended.is_set():
            try:
                raw, _ = door.accept()
            except TimeoutError:
                continue
            raw.settimeout(2)
            with raw, context.wrap_socket(raw, server_side=True) as caller:
                caller.recv(4096)
                caller.sendall(answer)
                ended.wait(1)

    with socket.create_server((HOST, broker.port)) as door:
        thread = threading.Thread(target=serve, args=(door,))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(
    "answer",
    [bytes([0x20, 2, 0, 1]), bytes([0x20, 2, 0, 0])],
    ids=["refuses version 5", "answers as if asked for version 3.1.1"],
)
def test_a_broker_of_version_3_1_1_is_no_broker(broker: Broker, answer: bytes) -> None:
    with answering(broker, answer), open_to(camera(broker)) as sender:
        turn_for(1.0, sender)
        assert not sender.connected


def renew(broker: Broker) -> None:
    """Give the camera a new key and certificate, as an installer would, file by file."""
    authority = Authority(
        Ed25519PrivateKey.from_private_bytes(bytes(32)), "Tallylight mill", datetime.now(UTC)
    )
    key = Ed25519PrivateKey.generate()
    certificate = broker.certificate(broker.name)
    certificate.key.write_bytes(private_pem(key))
    certificate.chain.write_bytes(authority.client_certificate(broker.name, key.public_key()))


def certificate_of(broker: Broker) -> bytes:
    return broker.certificate(broker.name).chain.read_bytes()


def test_a_renewed_certificate_is_taken_up_without_a_restart(broker: Broker) -> None:
    started(broker)
    with open_to(camera(broker)) as sender:
        connected(sender)
        before, old = certificate_of(broker), sender._client
        renew(broker)
        run_until(lambda: sender._client is not old and sender.connected, sender)
        assert certificate_of(broker) != before


def test_a_certificate_that_is_half_there_does_not_end_the_connection(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    started(broker)
    with open_to(camera(broker)) as sender:
        connected(sender)
        broker.certificate(broker.name).chain.write_bytes(b"half")
        run_until(lambda: "The old certificate stays in use" in caplog.text, sender)
        assert sender.connected


def test_no_wait_is_shorter_than_a_second_or_longer_than_two_minutes() -> None:
    backoff = Backoff()
    waits = [backoff.wait() for _ in range(300)]
    assert min(waits) >= 1
    assert 120 * 0.8 < max(waits) <= 120
    assert len({round(wait, 2) for wait in waits[10:]}) > 200


def test_a_wait_lasts_until_it_is_over_or_skipped() -> None:
    backoff = Backoff()
    assert backoff.due()
    backoff.wait()
    assert not backoff.due()
    backoff.skip()
    assert backoff.due()
