"""A scripted MQTT v5 broker over TLS that can say anything, byte for byte, to one client.

A script is a function that serves one connection: it reads packets and sends bytes, true or
mangled. `Manners` is the script of a broker that answers as it should, and its fields are the ways
in which it can fail. A script that ends closes its connection. The broker routes no messages and
checks no access: what a client publishes is kept in `published`, up to a bound.
"""

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL = 1, 2, 3, 4, 5, 6
SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 8, 9, 12, 13, 14, 15
"""Types of packets (MQTT v5, section 2.1.2)."""
LOOK_S: Final = 0.02
"""Time between two checks whether the broker is to end."""
KEPT: Final = 10_000
"""Most published payloads that are kept."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of the client."""

    first_byte: int
    body: bytes

    @property
    def kind(self) -> int:
        """Return the packet's type."""
        return self.first_byte >> 4

    @property
    def number(self) -> int:
        """Return the packet identifier of a SUBSCRIBE, a PUBACK or a PUBLISH of QoS 1."""
        at = 2 + int.from_bytes(self.body[:2]) if self.kind == PUBLISH else 0
        return int.from_bytes(self.body[at : at + 2])

    @property
    def clean_start(self) -> bool:
        """Return whether a CONNECT asks the broker to forget the session."""
        return bool(self.body[7] & 2)

    @property
    def payload(self) -> bytes:
        """Return the payload of a PUBLISH of QoS 1 whose properties are shorter than 128 bytes."""
        at = 4 + int.from_bytes(self.body[:2])
        return self.body[at + 1 + self.body[at] :]


def packet(first_byte: int, body: bytes = b"", *, length: int | None = None) -> bytes:
    """Return a packet's bytes; `length` is what its header claims, by default the truth."""
    rest, sized = len(body) if length is None else length, bytearray()
    while rest > 0x7F:
        sized.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([first_byte, *sized, rest]) + body


def connack(reason: int = 0, properties: bytes = b"") -> bytes:
    """Return a CONNACK."""
    return packet(CONNACK << 4, bytes([0, reason, len(properties)]) + properties)


def suback(number: int, *reasons: int) -> bytes:
    """Return a SUBACK."""
    return packet(SUBACK << 4, number.to_bytes(2) + b"\0" + bytes(reasons))


def puback(number: int, reason: int = 0) -> bytes:
    """Return a PUBACK."""
    return packet(PUBACK << 4, number.to_bytes(2) + bytes([reason]))


def publish(
    topic: bytes, payload: bytes, *, qos: int = 1, number: int = 1, properties: bytes = b""
) -> bytes:
    """Return a PUBLISH with properties shorter than 128 bytes."""
    identifier = number.to_bytes(2) if qos else b""
    front = len(topic).to_bytes(2) + topic + identifier + bytes([len(properties)]) + properties
    return packet(PUBLISH << 4 | qos << 1, front + payload)


def disconnect(reason: int, properties: bytes = b"") -> bytes:
    """Return a DISCONNECT."""
    return packet(DISCONNECT << 4, bytes([reason, len(properties)]) + properties)


@dataclass(slots=True)
class Caller:
    """One client's connection, as a script sees it."""

    line: ssl.SSLSocket
    ended: threading.Event
    _read: bytearray = field(default_factory=bytearray)

    def send(self, data: bytes) -> None:
        """Send bytes; raise OSError once the client or the broker has ended."""
        while data:
            if self.ended.is_set():
                raise ConnectionAbortedError
            with suppress(TimeoutError):
                data = data[self.line.send(data) :]

    def wait(self, seconds: float) -> None:
        """Say nothing for a time."""
        if self.ended.wait(seconds):
            raise ConnectionAbortedError

    def read(self) -> Packet:
        """Return the client's next packet; raise OSError once one of the two has ended."""
        first, length, shift = self._bytes(1)[0], 0, 0
        while True:
            (byte,) = self._bytes(1)
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return Packet(first, self._bytes(length))

    def _bytes(self, count: int) -> bytes:
        while len(self._read) < count:
            if self.ended.is_set():
                raise ConnectionAbortedError
            with suppress(TimeoutError):
                piece = self.line.recv(65536)
                if not piece:
                    raise ConnectionResetError
                self._read += piece
        taken = bytes(self._read[:count])
        del self._read[:count]
        return taken


@dataclass(slots=True)
class HostileBroker:
    """Listens with a broker's certificate while the block of `running` lasts."""

    files: Path
    """The folder with server.pem and server.key."""
    port: int
    script: Callable[["HostileBroker", Caller], None]
    """Serves each connection from now on; a test may change it at any time."""
    calls_s: list[float] = field(default_factory=list)
    """When each connection began (CLOCK_MONOTONIC)."""
    got: deque[Packet] = field(default_factory=lambda: deque(maxlen=KEPT))
    """What clients sent, oldest first."""
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["HostileBroker"]:
        """Serve until the block ends."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.files / "server.pem", self.files / "server.key")
        with socket.create_server((HOST, self.port)) as door:
            door.settimeout(LOOK_S)
            thread = threading.Thread(target=self._listen, args=(door, context))
            thread.start()
            try:
                yield self
            finally:
                self._ended.set()
                thread.join()

    def kinds(self) -> list[int]:
        """Return the types of the packets that clients sent."""
        return [one.kind for one in tuple(self.got)]

    def payloads(self) -> list[bytes]:
        """Return the payloads that clients published."""
        return [one.payload for one in tuple(self.got) if one.kind == PUBLISH]

    def read(self, caller: Caller) -> Packet:
        """Return a caller's next packet and keep it in `got`."""
        taken = caller.read()
        self.got.append(taken)
        return taken

    def _listen(self, door: socket.socket, context: ssl.SSLContext) -> None:
        threads = []
        while not self._ended.is_set():
            with suppress(TimeoutError):
                plain, _ = door.accept()
                self.calls_s.append(time.monotonic())
                thread = threading.Thread(target=self._serve, args=(plain, context))
                thread.start()
                threads.append(thread)
        for thread in threads:
            thread.join()

    def _serve(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        with plain, suppress(OSError):
            plain.settimeout(2)
            with context.wrap_socket(plain, server_side=True) as line:
                line.settimeout(LOOK_S)
                self.script(self, Caller(line, self._ended))


@dataclass(frozen=True, slots=True)
class Manners:
    """A script: a broker that answers as it should, apart from what its fields change."""

    connack: bytes = connack()
    """Empty: no answer to CONNECT."""
    granted: Sequence[int] | None = None
    """Reason codes of a SUBACK; by default QoS 1 for each topic; empty: no answer."""
    puback: int | None = 0
    """Reason code of each PUBACK; None: no answer."""
    then: bytes = b""
    """What is sent once the client has subscribed."""

    def __call__(self, broker: HostileBroker, caller: Caller) -> None:
        """Serve one connection until it ends."""
        while True:
            asked = broker.read(caller)
            if asked.kind == CONNECT:
                caller.send(self.connack)
            elif asked.kind == SUBSCRIBE:
                if self.granted is None:
                    caller.send(suback(asked.number, *[1] * _topics(asked)))
                elif self.granted:
                    caller.send(suback(asked.number, *self.granted))
                caller.send(self.then)
            elif asked.kind == PUBLISH and self.puback is not None:
                caller.send(puback(asked.number, self.puback))
            elif asked.kind == PINGREQ:
                caller.send(packet(PINGRESP << 4))
            elif asked.kind == DISCONNECT:
                return


def _topics(subscribe: Packet) -> int:
    """Return how many topics a SUBSCRIBE names; its properties are shorter than 128 bytes."""
    at, count = 3 + subscribe.body[2], 0
    while at < len(subscribe.body):
        at += 3 + int.from_bytes(subscribe.body[at : at + 2])
        count += 1
    return count
