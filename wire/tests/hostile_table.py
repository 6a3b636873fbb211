"""A hostile broker and a connection that reconnects within milliseconds, for tests of both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hil_tests.rig.hostile_broker import (
    Caller,
    HostileBroker,
    Manners,
)
from wire.backoff import Backoff
from wire.connection import Connection
from wire.limits import Patience
from wire.tests.broker import Broker
from wire.tests.exchanges import event, open_to, run_until

SOON = Patience(connack_s=0.3, suback_s=0.3, puback_s=0.3, packet_s=0.3)
USER_PROPERTY = b"\x26\x00\x01a\x00\x03\xef\xbb\xbf"
"""Name `a`, value U+FEFF: allowed by MQTT v5 (1.5.4-3), refused by paho."""


@dataclass
class Table:
    """A hostile broker, and a connection that reconnects within milliseconds."""

    certificates: Broker
    broker: HostileBroker
    connection: Connection

    def until(self, holds: Callable[[], object]) -> None:
        run_until(holds, self.connection, for_s=20)

    def refused_for(self, words: str) -> None:
        self.until(lambda: words in self.connection.trouble)
        assert not self.connection.connected

    def delivers(self) -> None:
        """From now on the broker behaves: the next message arrives there."""
        self.broker.script = Manners()
        self.until(lambda: self.connection.connected)
        list(self.connection.take_acknowledged())
        delivered: list[bool] = []

        def answered() -> bool:
            if not self.connection.connected:
                return False
            if not delivered and self.connection.room:
                self.connection.publish(event(self.certificates), b"the next one")
            delivered.extend(one.delivered for one in self.connection.take_acknowledged())
            return any(delivered)

        self.until(answered)
        assert b"the next one" in self.broker.payloads()


@contextmanager
def laid_out(certificates: Broker) -> Iterator[Table]:
    connection = certificates.connection("receiver", "$share/receivers/#", session_s=60)
    connection.patience, connection.backoff = SOON, Backoff(0.01, 0.05)
    broker = HostileBroker(certificates.files, certificates.port, Manners())
    with broker.running(), open_to(connection):
        yield Table(certificates, broker, connection)


def raw(*answers: bytes) -> Callable[[HostileBroker, Caller], None]:
    """Return a script: after CONNECT, send these bytes, and then listen."""

    def serve(broker: HostileBroker, caller: Caller) -> None:
        broker.read(caller)
        for answer in answers:
            caller.send(answer)
        while True:
            broker.read(caller)

    return serve
