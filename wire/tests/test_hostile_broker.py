"""A connection beside a broker that says anything: it ends, names why once, and tries again.

Each fault ends with a broker that behaves, and the next message is delivered.
"""

import logging
from collections.abc import Callable, Iterator

import pytest

from hil_tests.rig.hostile_broker import (
    AUTH,
    CONNECT,
    PINGREQ,
    PUBACK,
    PUBLISH,
    PUBREC,
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
from wire.backoff import Backoff
from wire.errors import BrokerTooSmall, BrokerUnfit
from wire.message import Message
from wire.tests.broker import Broker
from wire.tests.exchanges import event
from wire.tests.hostile_table import USER_PROPERTY, Table, laid_out, raw

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
"""paho leaves the socket of a failed handshake to the garbage collector."""

BOM = b"\xef\xbb\xbf"
CONTENT_TYPE = b"\x03\x00\x03" + BOM


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """A broker's certificates; it is not started."""
    return Broker(tmp_path_factory.mktemp("broker"))


@pytest.fixture
def table(certificates: Broker) -> Iterator[Table]:
    with laid_out(certificates) as table:
        yield table


def cut_off(broker: HostileBroker, caller: Caller) -> None:
    """Close the connection in the middle of a packet."""
    broker.read(caller)
    caller.send(packet(PUBLISH << 4, b"\0", length=50))


@pytest.mark.parametrize(
    "properties", [USER_PROPERTY, CONTENT_TYPE, b"\x7f\x7f\x7f", b"\x23\x00\x01"]
)
def test_a_message_with_strange_properties_arrives_as_any_other(
    table: Table, properties: bytes
) -> None:
    table.broker.script = Manners(then=publish(b"topic", b"sealed", properties=properties))
    table.until(lambda: table.connection._arrived)
    assert list(table.connection.take_arrived()) == [Message(1, "topic", b"sealed")]
    assert len(table.broker.calls_s) == 1


def test_a_message_of_qos_0_is_not_acknowledged(table: Table) -> None:
    table.broker.script = Manners(
        then=publish(b"topic", b"first", qos=0) + publish(b"topic", b"second", number=7)
    )
    table.until(lambda: len(table.connection._arrived) == 2)
    for message in table.connection.take_arrived():
        table.connection.acknowledge(message)
    table.until(lambda: PUBACK in table.broker.kinds())
    assert [one.number for one in table.broker.got if one.kind == PUBACK] == [7]


@pytest.mark.parametrize("topic", [b"\xff\xfe", b"", BOM, b"a\x00b", b"tallylight/v1/\xc3"])
def test_a_message_whose_topic_is_no_text_ends_nothing(table: Table, topic: bytes) -> None:
    table.broker.script = Manners(then=publish(topic, b"?") + publish(b"topic", b"good", number=2))
    table.until(lambda: len(table.connection._arrived) == 2)
    assert [one.payload for one in table.connection.take_arrived()] == [b"?", b"good"]


@pytest.mark.parametrize(
    ("manners", "words"),
    [
        (Manners(connack=b""), "did not answer CONNECT"),
        (Manners(granted=()), "did not answer SUBSCRIBE"),
        (Manners(granted=(0,)), "max_qos 1"),
        (Manners(granted=(0x87,)), "SUBACK 135 (Not authorized)"),
        (Manners(granted=(0x9E,)), "shared subscriptions"),
        (Manners(granted=(1, 1)), "answers no SUBSCRIBE"),
        (Manners(connack=connack(0x87)), "CONNACK 135 (Not authorized)"),
        (Manners(connack=connack(0x89)), "CONNACK 137 (Server busy)"),
        (Manners(connack=connack(0, b"\x24\x00")), "max_qos 1"),
        (Manners(connack=connack(0, b"\x27\x00\x00\x00\x14")), "max_packet_size"),
        (Manners(connack=connack(0, b"\x2a\x00")), "no shared subscriptions"),
        (Manners(connack=connack(0, b"\x28\x00")), "no wildcard subscriptions"),
        (Manners(connack=connack(0, b"\x21\x00\x00")), "not MQTT v5"),
        (Manners(then=connack()), "type 2"),
        (Manners(then=packet(AUTH << 4, b"\x18\x00")), "type 15"),
        (Manners(then=packet(PUBREC << 4, b"\0\1")), "type 5"),
        (Manners(then=packet(PUBREL << 4 | 2, b"\0\1")), "type 6"),
        (Manners(then=packet(PINGREQ << 4)), "type 12"),
        (Manners(then=publish(b"topic", b"", qos=2)), "QoS 2"),
        (Manners(then=publish(b"topic", b"", number=0)), "ends too early"),
        (Manners(then=packet(PUBLISH << 4 | 2, b"\0\x30topic")), "no length"),
        (Manners(then=packet(PUBLISH << 4, b"\0\1t\x7f")), "ends too early"),
        (Manners(then=packet(PUBLISH << 4, b"\0\1t\xff\xff\xff\xff")), "no length"),
        (Manners(then=b"\x30\xff\xff\xff\xff\xff"), "not MQTT v5"),
        (Manners(then=packet(0)), "type 0"),
        (Manners(then=disconnect(0x89)), "DISCONNECT 137 (Server busy)"),
        (Manners(then=disconnect(0x9D, b"\x1c\x00\x01x")), "DISCONNECT 157 (Server moved)"),
        (Manners(then=disconnect(0x8E)), "another program connects"),
        (Manners(then=disconnect(0x7F)), "not MQTT v5"),
        (cut_off, "connection to the broker was lost"),
        (raw(publish(b"topic", b"")), "type 3"),
        (raw(suback(1, 1)), "type 9"),
    ],
)
def test_a_fault_of_the_broker_is_named_once_and_the_next_message_is_delivered(
    table: Table,
    manners: Callable[[HostileBroker, Caller], None],
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    table.broker.script = manners
    table.until(lambda: words in table.connection.trouble and len(table.broker.calls_s) > 2)
    assert [one for one in caplog.messages if words in one] == [table.connection.trouble]
    table.delivers()


def test_after_an_error_the_session_is_forgotten_once(table: Table) -> None:
    table.broker.script = Manners(then=publish(b"topic", b"", qos=2))
    table.refused_for("QoS 2")
    table.delivers()
    greetings = [one.clean_start for one in table.broker.got if one.kind == CONNECT]
    assert greetings[0] is False
    assert greetings[-1] is True


@pytest.mark.parametrize(
    ("code", "words"),
    [(0x87, "135 (Not authorized)"), (0x97, "151 (Quota exceeded)"), (0x10, "16 (No matching")],
)
def test_a_message_that_is_not_delivered_is_told_of_once_with_its_reason(
    table: Table, code: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    table.broker.script = Manners(puback=code)
    table.until(lambda: table.connection.connected)
    for _ in range(5):
        table.connection.publish(event(table.certificates), b"x")
    table.until(lambda: len(table.connection._acknowledged) == 5)
    (told,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert words in told.message
    assert not any(one.delivered for one in table.connection.take_acknowledged())


def test_waits_grow_while_the_broker_is_busy_and_shrink_after_a_delivery(table: Table) -> None:
    def busy(broker: HostileBroker, caller: Caller) -> None:
        broker.read(caller)
        caller.send(connack())
        caller.send(suback(broker.read(caller).number, 1))
        caller.send(puback(broker.read(caller).number))
        caller.send(disconnect(0x89))

    table.connection.backoff = Backoff(0.01, 1000)
    table.broker.script = busy
    for attempt in range(1, 6):
        table.until(lambda: table.connection.connected)
        table.connection.publish(event(table.certificates), b"x")
        table.until(lambda: not table.connection.connected and table.connection._line is None)
        assert table.connection.backoff._limit_s == 0.02 * 2**attempt
        table.connection.backoff.skip()
    table.delivers()
    table.connection._end()
    assert table.connection.backoff._limit_s == 0.04


def test_waits_grow_while_the_broker_breaks_the_protocol_after_a_message(table: Table) -> None:
    table.connection.backoff = Backoff(0.01, 1000)
    table.broker.script = Manners(then=publish(b"topic", b"good") + packet(0))
    for attempt in range(1, 4):
        table.until(lambda: table.connection._line is not None)
        table.until(lambda: table.connection._line is None)
        assert table.connection.backoff._limit_s == 0.02 * 2**attempt
        table.connection.backoff.skip()


def test_a_small_message_size_or_no_retained_messages_is_said_before_sending(table: Table) -> None:
    table.broker.script = Manners(connack=connack(0, b"\x25\x00\x27\x00\x00\x05\x00"))
    table.until(lambda: table.connection.connected)
    with pytest.raises(BrokerTooSmall, match="max_packet_size"):
        table.connection.publish("topic", bytes(1280))
    with pytest.raises(BrokerUnfit, match="retain_available true"):
        table.connection.publish("topic", b"", retain=True)
    table.delivers()


def test_the_brokers_keepalive_is_kept_to_and_cannot_be_turned_off(table: Table) -> None:
    table.broker.script = Manners(connack=connack(0, b"\x13\x00\x00"))
    table.until(lambda: table.connection.connected)
    assert table.connection._client._keepalive == 15


def test_an_error_of_the_library_ends_the_connection_and_not_the_program(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_wait_s: float) -> None:
        raise RuntimeError

    table.until(lambda: table.connection.connected)
    monkeypatch.setattr(table.connection._client, "loop", fail)
    table.refused_for("RuntimeError")
    table.delivers()
