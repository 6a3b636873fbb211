"""Strange messages and strange brokers beside the real courier and the real receiver.

One message of one client must not stop the messages of others. The first half runs with a real
mosquitto, which passes such messages on; the second with a broker that says anything.
"""

import logging
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection

import pytest

from estate.intake.receiver import receive
from firmware.courier import deliver
from firmware.delivery.flights import Flights
from firmware.delivery.unsent import Unsent
from firmware.tests.observations import eventually
from formats.topics import Channel, Topic
from hil_tests.rig.hostile_broker import (
    CONNACK,
    CONNECT,
    PUBACK,
    PUBLISH,
    HostileBroker,
    Manners,
    connack,
    packet,
    publish,
)
from hil_tests.tests.line import Line
from provisioning.broker.listener import PUBLISHER
from wire.tests.broker import HOST, Broker

pytestmark = [
    pytest.mark.broker,
    # paho leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]
BOM = b"\xef\xbb\xbf"
STRANGE = {
    "a user property": b"\x26\x00\x01a\x00\x03" + BOM,
    "the content type": b"\x03\x00\x03" + BOM,
}
"""Properties that hold U+FEFF: allowed by MQTT v5, and passed on by mosquitto."""


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(Broker(tmp_path), tmp_path)
    yield line
    line.broker.kill()
    line.store.close()


@contextmanager
def working(*loops: Callable[[Callable[[], bool]], None]) -> Iterator[None]:
    """Run each loop in a thread; the block fails if one ends by itself."""
    stopped, threads = threading.Event(), []
    for loop in loops:
        threads.append(threading.Thread(target=loop, args=(lambda: not stopped.is_set(),)))
        threads[-1].start()
    try:
        yield
        assert all(thread.is_alive() for thread in threads)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def send_raw(broker: Broker, client: str, message: bytes) -> None:
    """Connect as a client and send one packet, byte for byte."""
    context = broker.certificate(client).context()
    front = b"\x00\x04MQTT\x05\x02\x00\x3c\x00" + len(client).to_bytes(2) + client.encode()
    with (
        create_connection((HOST, broker.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as caller,
    ):
        caller.sendall(packet(CONNECT << 4, front))
        assert caller.recv(64)[0] == CONNACK << 4
        caller.sendall(message)
        if message[0] & 6:
            assert caller.recv(64)[0] == PUBACK << 4
        else:
            caller.sendall(packet(0xC0))  # PINGREQ: its answer says that the message was read.
            assert caller.recv(64)[0] == 0xD0


def topic(line: Line, channel: Channel) -> bytes:
    return str(Topic(line.broker.camera.camera_id, channel)).encode()


@pytest.mark.parametrize("properties", STRANGE.values(), ids=STRANGE)
def test_a_message_with_u_feff_does_not_silence_the_receiver(
    line: Line, properties: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    line.broker.start()
    receiver = line.receiver()
    with working(lambda running: receive(receiver, running)):
        eventually(lambda: receiver.connection.connected)
        message = publish(topic(line, Channel.EVENT), b"?", properties=properties)
        send_raw(line.broker, line.broker.name, message)
        (sealed,) = line.put()
        courier = line.courier()
        with working(lambda running: deliver(courier, running)):
            eventually(lambda: not line.waiting())
        assert list(line.store.envelopes()) == [sealed]
    assert caplog.text.count("A message was refused") == 1


def test_a_message_of_qos_0_throws_no_receiver_out(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.broker.start()
    receiver = line.receiver()
    with working(lambda running: receive(receiver, running)):
        eventually(lambda: receiver.connection.connected)
        message = publish(topic(line, Channel.EVENT), b"?", qos=0)
        for _ in range(5):
            send_raw(line.broker, line.broker.name, message)
        eventually(lambda: caplog.text.count("A message was refused") == 5)
        line.put()
        courier = line.courier()
        with working(lambda running: deliver(courier, running)):
            eventually(lambda: not line.waiting())
    assert "lost" not in caplog.text
    assert "ended" not in caplog.text


def test_a_retained_message_of_qos_0_throws_no_courier_out(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.broker.start()
    retained = bytearray(publish(topic(line, Channel.SITE), b"?", qos=0))
    retained[0] |= 1
    send_raw(line.broker, PUBLISHER, bytes(retained))
    line.put()
    receiver, courier = line.receiver(), line.courier()
    with (
        working(lambda running: receive(receiver, running)),
        working(lambda running: deliver(courier, running)),
    ):
        eventually(lambda: "no bundle of the site" in caplog.text and not line.waiting())
        time.sleep(0.2)
        assert courier.connection.connected
    assert "lost" not in caplog.text
    assert "ended" not in caplog.text


@contextmanager
def hostile(line: Line, script: Manners) -> Iterator[HostileBroker]:
    with HostileBroker(line.broker.files, line.broker.port, script).running() as broker:
        yield broker


def test_a_broker_that_answers_no_message_gets_no_flood_of_copies(line: Line) -> None:
    line.put(60)
    courier = line.courier()
    with (
        hostile(line, Manners(puback=None)) as broker,
        working(lambda running: deliver(courier, running)),
    ):
        eventually(lambda: broker.kinds().count(PUBLISH) == courier.connection.window)
        courier.flights, courier.unsent = Flights(), Unsent(courier.outbox)  # All are due at once.
        time.sleep(0.3)
        assert len(courier.connection._client._out_messages) <= courier.connection.window


def test_a_topic_that_is_no_text_ends_no_courier(line: Line) -> None:
    line.put()
    courier = line.courier()
    with (
        hostile(line, Manners(then=publish(b"\xff\xfe", b"?"))) as broker,
        working(lambda running: deliver(courier, running)),
    ):
        eventually(lambda: PUBLISH in broker.kinds() and PUBACK in broker.kinds())


def test_a_broker_too_small_for_a_receipt_ends_no_receiver(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    (sealed,) = line.put()
    event = publish(topic(line, Channel.EVENT), sealed.blob)
    small = Manners(connack=connack(0, b"\x27\x00\x00\x04\x00"), then=event)
    receiver = line.receiver()
    with hostile(line, small) as broker, working(lambda running: receive(receiver, running)):
        eventually(lambda: PUBACK in broker.kinds())
    assert "raise max_packet_size" in caplog.text
    assert line.store.count() == 1


def test_a_refused_receipt_is_named_with_its_reason(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    (sealed,) = line.put()
    event = publish(topic(line, Channel.EVENT), sealed.blob)
    receiver = line.receiver()
    with (
        hostile(line, Manners(puback=0x87, then=event)),
        working(lambda running: receive(receiver, running)),
    ):
        eventually(lambda: "PUBACK 135 (Not authorized)" in caplog.text)
        eventually(lambda: not receiver.connection._acknowledged)


def test_a_packet_above_the_announced_size_takes_no_memory_of_the_courier(line: Line) -> None:
    courier = line.courier()
    tracemalloc.start()
    huge = Manners(then=packet(PUBLISH << 4, bytes(4 * 2**20), length=250 * 2**20))
    with hostile(line, huge) as broker, working(lambda running: deliver(courier, running)):
        eventually(lambda: len(broker.calls_s) > 1)
        broker.script = Manners()
        line.put()
        eventually(broker.payloads)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 * 2**20


def test_a_broker_that_refuses_every_event_is_named_once(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    line.put(3)
    courier = line.courier()
    with (
        hostile(line, Manners(puback=0x97)) as broker,
        working(lambda running: deliver(courier, running)),
    ):
        eventually(lambda: broker.kinds().count(PUBLISH) >= 6)
    assert caplog.text.count("PUBACK 151 (Quota exceeded)") == 1
