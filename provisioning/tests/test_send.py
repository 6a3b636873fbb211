"""Sending the list says what is wrong with the broker, and what to change there."""

import time
from pathlib import Path

import pytest

from hil_tests.rig.hostile_broker import HostileBroker, Manners, connack
from provisioning.broker.listener import PUBLISHER
from provisioning.broker.send import _run_until_connected
from provisioning.errors import BrokerRefused
from wire.tests.broker import Broker


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (connack(0, b"\x24\x00"), "set max_qos 1"),
        (connack(0, b"\x27\x00\x00\x00\x40"), "raise max_packet_size"),
        (connack(0x87), "Not authorized"),
    ],
)
def test_a_broker_that_cannot_take_the_list_is_refused_with_the_line_to_change(
    tmp_path: Path, answer: bytes, words: str
) -> None:
    broker = Broker(tmp_path)
    connection = broker.connection(PUBLISHER, ())
    script = Manners(connack=answer)
    with (
        HostileBroker(broker.files, broker.port, script).running(),
        pytest.raises(BrokerRefused, match=words),
    ):
        _run_until_connected(connection, time.monotonic() + 0.5)
