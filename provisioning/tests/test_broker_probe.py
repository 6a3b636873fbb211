"""The client of `broker check` beside a broker that says anything: no answer, and no error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hil_tests.rig.hostile_broker import HOST, Caller, HostileBroker, Manners, connack, packet
from provisioning.broker.mosquitto_files import AUTHORITY_FILE
from provisioning.broker.probe import MAX_QOS, SHARED_AVAILABLE, Probe
from provisioning.tests.test_broker import config, free_port
from provisioning.tests.workshop import Workshop
from wire.certificate import Address, Certificate

REASON_TEXT = b"\x1f\x00\x03abc"
MANGLED = {
    "an empty CONNACK": packet(0x20),
    "properties that are cut off": packet(0x20, b"\0\0\xff"),
    "a property without its number": connack(properties=b"\x27"),
    "a length of five bytes": b"\x20\xff\xff\xff\xff\x7f",
    "a packet that claims 200 MiB": b"\x20\x80\x80\x80\x64",
    "an empty message": packet(0x32),
    "a message that is cut off": connack() + packet(0x32, b"\x00\x01t\x00\x01\xff"),
    "an empty SUBACK": connack() + packet(0x90),
}


Script = Callable[[HostileBroker, Caller], None]


def saying(said: bytes) -> Script:
    """Return a broker that answers a CONNECT with these bytes and closes."""

    def script(broker: HostileBroker, caller: Caller) -> None:
        broker.read(caller)
        caller.send(said)

    return script


@contextmanager
def facing(workshop: Workshop, script: Script) -> Iterator[Probe]:
    config(workshop, "--host", HOST)
    files, port = workshop.site / "broker", free_port()

    clients = files / "clients"
    certificate = Certificate(
        files / AUTHORITY_FILE, clients / "auditor.pem", clients / "auditor.key"
    )
    with (
        HostileBroker(files, port, script).running(),
        Probe(Address(HOST, port, "auditor", certificate)) as probe,
    ):
        yield probe


@pytest.mark.parametrize("said", MANGLED.values(), ids=MANGLED)
def test_a_mangled_answer_is_no_answer_and_no_error(prepared: Workshop, said: bytes) -> None:
    with facing(prepared, saying(said)) as probe:
        assert not probe.subscribe("topic")
        assert probe.publish("topic", b"probe") is None
        assert probe.receive(0.1) == []
        assert not probe.alive()


def test_what_a_broker_announces_is_read_past_its_texts(prepared: Workshop) -> None:
    announced = REASON_TEXT + bytes([MAX_QOS, 0, SHARED_AVAILABLE, 0])
    with facing(prepared, Manners(connack(properties=announced))) as probe:
        assert probe.accepted
        assert probe.limits == {MAX_QOS: 0, SHARED_AVAILABLE: 0}


@pytest.mark.parametrize("granted", [0, 0x87, 0x9E], ids=["QoS 0", "not authorised", "no $share"])
def test_a_subscription_below_qos_1_is_not_granted(prepared: Workshop, granted: int) -> None:
    with facing(prepared, Manners(granted=[granted])) as probe:
        assert not probe.subscribe("topic")
