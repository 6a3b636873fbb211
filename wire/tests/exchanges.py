"""Run connections until something happens, and the connections of a camera and a receiver."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from formats.topics import Channel, Topic, every_camera
from wire.answers import Acknowledged
from wire.connection import Connection
from wire.message import Message
from wire.tests.broker import Broker

EVENTS = every_camera(Channel.EVENT)


@contextmanager
def open_to(connection: Connection) -> Iterator[Connection]:
    try:
        yield connection
    finally:
        connection.close()


def run_until(holds: Callable[[], object], *connections: Connection, for_s: float = 30) -> None:
    until_s = time.monotonic() + for_s
    while not holds():
        assert time.monotonic() < until_s, "It did not happen in time."
        for connection in connections:
            connection.run_network(0.02)


def connected(connection: Connection) -> Connection:
    run_until(lambda: connection.connected, connection)
    return connection


def received(connection: Connection, *others: Connection) -> Message:
    messages: list[Message] = []

    def any_arrived() -> bool:
        messages.extend(connection.take_arrived())
        return bool(messages)

    run_until(any_arrived, connection, *others)
    return messages[0]


def answered(connection: Connection, *others: Connection) -> Acknowledged:
    answers: list[Acknowledged] = []

    def any_answered() -> bool:
        answers.extend(connection.take_acknowledged())
        return bool(answers)

    run_until(any_answered, connection, *others)
    return answers[0]


def camera(broker: Broker) -> Connection:
    receipts = str(Topic(broker.camera.camera_id, Channel.RECEIPT))
    return broker.connection(broker.name, receipts)


def receiver(broker: Broker, session_s: int = 0) -> Connection:
    return broker.connection("receiver", EVENTS, session_s)


def event(broker: Broker) -> str:
    return str(Topic(broker.camera.camera_id, Channel.EVENT))
