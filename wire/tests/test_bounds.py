"""A connection beside a hostile broker: packets, queues, time and memory stay bounded."""

import socket
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil_tests.rig.hostile_broker import (
    PUBLISH,
    PUBREL,
    Caller,
    HostileBroker,
    Manners,
    connack,
    disconnect,
    packet,
    puback,
    publish,
    suback,
)
from wire.errors import NotConnected
from wire.limits import IN_FLIGHT, QUEUED, Patience
from wire.tests.broker import Broker
from wire.tests.exchanges import event
from wire.tests.hostile_table import USER_PROPERTY, Table, laid_out, raw

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
"""paho leaves the socket of a failed handshake to the garbage collector."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """A broker's certificates; it is not started."""
    return Broker(tmp_path_factory.mktemp("broker"))


@pytest.fixture
def table(certificates: Broker) -> Iterator[Table]:
    with laid_out(certificates) as table:
        yield table


def test_a_packet_that_is_too_large_is_not_read(table: Table) -> None:
    table.broker.script = Manners(then=packet(PUBLISH << 4, bytes(4096), length=200 * 2**20))
    tracemalloc.start()
    table.refused_for("this side takes 2097152")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 * 2**20
    table.delivers()


def test_a_packet_that_comes_byte_by_byte_is_not_waited_for(table: Table) -> None:
    def drip(broker: HostileBroker, caller: Caller) -> None:
        broker.read(caller)
        caller.send(connack())
        asked = broker.read(caller)
        caller.send(suback(asked.number, 1))
        for byte in publish(b"topic", bytes(1000)):
            caller.send(bytes([byte]))
            caller.wait(0.05)

    table.broker.script = drip
    table.refused_for("one packet")
    table.delivers()


def test_a_handshake_that_stalls_ends_within_the_time_of_a_connection(
    certificates: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wire.paho_client.CONNECT_S", 0.2)
    connection = certificates.connection("receiver", "#")
    with socket.create_server(("127.0.0.1", certificates.port)):
        begun_s = time.monotonic()
        connection.run_network(0)
    assert time.monotonic() - begun_s < 2
    where = f"The broker at 127.0.0.1:{certificates.port} cannot be reached"
    assert where in connection.trouble


def test_a_message_without_an_answer_ends_the_connection(table: Table) -> None:
    table.broker.script = Manners(puback=None)
    table.until(lambda: table.connection.connected)
    table.connection.publish(event(table.certificates), b"unanswered")
    table.refused_for("did not answer a message")
    table.delivers()


def test_messages_that_a_broker_does_not_answer_are_bounded(table: Table) -> None:
    table.connection.patience = Patience()
    table.broker.script = Manners(puback=None)
    table.until(lambda: table.connection.connected)
    for _ in range(QUEUED):
        table.connection.publish(event(table.certificates), b"x")
    with pytest.raises(NotConnected, match="has not answered"):
        table.connection.publish(event(table.certificates), b"x")
    assert table.connection.room == 0
    assert table.broker.kinds().count(PUBLISH) <= IN_FLIGHT


def test_answers_that_nobody_takes_are_bounded(table: Table) -> None:
    table.until(lambda: table.connection.connected)
    for _ in range(QUEUED + 100):
        table.until(lambda: table.connection.room)
        table.connection.publish(event(table.certificates), b"x")
    table.until(lambda: table.connection.room == IN_FLIGHT)
    assert len(table.connection._acknowledged) == QUEUED


def test_answers_to_messages_that_were_not_sent_are_ignored(table: Table) -> None:
    table.broker.script = Manners(then=puback(4711) + puback(1) + puback(1))
    table.until(lambda: table.connection.connected)
    table.delivers()
    assert len(table.broker.calls_s) == 1


def test_more_messages_than_were_announced_wait_until_there_is_room(table: Table) -> None:
    """As mosquitto 2.0 sends them to a client with a backlog."""
    flood = (publish(b"topic", b"", number=one) for one in range(1, 3 * IN_FLIGHT))
    table.broker.script = Manners(then=b"".join(flood))
    taken: list[int] = []
    while len(taken) < 3 * IN_FLIGHT - 1:
        table.until(lambda: len(table.connection._arrived) > 0)
        for _ in range(2 * IN_FLIGHT):
            table.connection.run_network(0.001)
            assert len(table.connection._arrived) <= IN_FLIGHT
        for message in table.connection.take_arrived():
            taken.append(message.number)
            table.connection.acknowledge(message)
    assert taken == list(range(1, 3 * IN_FLIGHT))
    table.delivers()
    assert len(table.broker.calls_s) == 1


def test_a_message_that_needs_an_answer_takes_the_place_of_one_that_needs_none(
    table: Table,
) -> None:
    unanswered = publish(b"topic", b"", qos=0) * 2 * IN_FLIGHT
    table.broker.script = Manners(then=unanswered + publish(b"topic", b"", number=7))
    table.until(lambda: any(one.number == 7 for one in table.connection._arrived))
    assert len(table.connection._arrived) == IN_FLIGHT


def test_messages_of_qos_0_that_are_not_taken_are_dropped(table: Table) -> None:
    table.broker.script = Manners(then=publish(b"topic", b"", qos=0) * 100)
    table.until(lambda: len(table.connection._arrived) == IN_FLIGHT)
    table.delivers()
    assert len(table.connection._arrived) == IN_FLIGHT


WELL_FORMED = st.sampled_from(
    [
        connack(),
        suback(1, 1),
        suback(1, 0x80),
        puback(1),
        puback(1, 0x97),
        publish(b"topic", b"payload"),
        publish(b"topic", b"payload", qos=0),
        publish(b"topic", bytes(5000), number=9, properties=USER_PROPERTY),
        packet(PUBREL << 4 | 2, b"\0\1"),
        packet(0xD0),
        disconnect(0x8B),
    ]
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(WELL_FORMED))
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(1, len(data)))])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    packets=st.lists(WELL_FORMED | mangled() | st.binary(max_size=20), max_size=8),
    greeted=st.booleans(),
)
def test_any_packets_in_any_order_end_nothing_and_leave_every_queue_bounded(
    table: Table, packets: list[bytes], *, greeted: bool
) -> None:
    table.broker.script = Manners(then=b"".join(packets)) if greeted else raw(*packets)
    connection, calls = table.connection, len(table.broker.calls_s)
    connection._end()
    connection.backoff.skip()
    until_s = time.monotonic() + 0.05
    while time.monotonic() < until_s or len(table.broker.calls_s) == calls:
        connection.run_network(0.005)
        if connection.connected and connection.room:
            connection.publish(event(table.certificates), b"x")
        assert len(connection._arrived) <= IN_FLIGHT
        assert len(connection._client._out_messages) <= QUEUED
        assert not connection._client._in_messages
    for message in connection.take_arrived():
        connection.acknowledge(message)
    table.delivers()
