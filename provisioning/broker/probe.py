"""A bare MQTT v5 client for `broker check`: CONNACK properties, reason codes, granted QoS.

`wire.connection` keeps within the limits that a broker announces and refuses a broker that is too
small. A check has to see what such a broker says and does, so this client sends what it is told and
returns the answer. It waits for each answer, at most `WAIT_S`. A connection that ended answers
nothing. It does not reconnect, send keepalives, or speak QoS 2.
"""

import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from wire.certificate import Address

WAIT_S: Final = 5.0
"""Longest wait for an answer that must come."""
MAX_QOS: Final = 0x24
RETAIN_AVAILABLE: Final = 0x25
PACKET_SIZE: Final = 0x27
RECEIVE_MAXIMUM: Final = 0x21
SHARED_AVAILABLE: Final = 0x2A
"""Properties of a CONNACK (MQTT v5, section 3.2.2.3)."""

DELIVERED: Final = 0
"""Reason code of a PUBACK: the broker took the message, and has a subscriber for it."""
NO_SUBSCRIBERS: Final = 16
"""Reason code of a PUBACK: the broker took the message, and has no subscriber for it now."""

_LIMIT_BYTES: Final = 4 * 1024 * 1024
_CONNACK, _PUBLISH, _PUBACK, _SUBACK, _PINGRESP = 0x20, 0x30, 0x40, 0x90, 0xD0
_FIXED: Final = {
    0x11: 4,
    0x13: 2,
    0x21: 2,
    0x22: 2,
    0x24: 1,
    0x25: 1,
    0x27: 4,
    0x28: 1,
    0x29: 1,
    0x2A: 1,
}
_TEXTS: Final = {0x12: 1, 0x15: 1, 0x16: 1, 0x1A: 1, 0x1C: 1, 0x1F: 1, 0x26: 2}
"""Sizes of number properties, and how many strings a text property has."""
_REASON: Final = 2
_GRANTED_QOS: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that the broker delivered."""

    topic: str
    payload: bytes = field(repr=False)
    retained: bool


@dataclass(slots=True)
class Probe:
    """One connection. A context manager: it disconnects at its end."""

    address: Address
    session_s: int = 0
    """How long the broker keeps the session after the end."""
    reason: int | None = None
    """The CONNACK's reason code; None: no CONNACK came."""
    limits: Mapping[int, int] = field(default_factory=dict)
    """Numbers that the CONNACK announced, by property."""
    _line: ssl.SSLSocket | None = None
    _buffer: bytearray = field(default_factory=bytearray)
    _arrived: deque[Arrived] = field(default_factory=deque)
    _number: int = 0

    def __enter__(self) -> Self:
        try:
            self._connect()
        except OSError:
            self._end()
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._send(0xE0, b"")
        self._end()

    @property
    def accepted(self) -> bool:
        """Return whether the broker let this client in."""
        return self.reason == 0

    def subscribe(self, topic_filter: str) -> bool:
        """Return whether the broker grants a subscription at QoS 1."""
        self._send(0x82, self._next() + b"\0" + _text(topic_filter) + b"\x01")
        answer = self._await(_SUBACK)
        return answer is not None and answer[-1:] == _GRANTED_QOS

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expires_s: int | None = None
    ) -> int | None:
        """Send a message of QoS 1; return the reason code of its PUBACK, None if none came."""
        properties = b"" if expires_s is None else struct.pack(">BI", 0x02, expires_s)
        front = _text(topic) + self._next() + _length(len(properties)) + properties
        self._send(_PUBLISH | 0x02 | retain, front + payload)
        answer = self._await(_PUBACK)
        if answer is None:
            return None
        return answer[_REASON] if len(answer) > _REASON else DELIVERED

    def receive(self, within_s: float, count: int = 1) -> list[Arrived]:
        """Return the messages that arrive until there are `count`, or the time is over."""
        until_s = time.monotonic() + within_s
        while len(self._arrived) < count and self._next_packet(until_s) is not None:
            pass
        found = list(self._arrived)
        self._arrived.clear()
        return found

    def alive(self) -> bool:
        """Return whether the broker still answers on this connection."""
        self._send(0xC0, b"")
        return self._await(_PINGRESP) is not None

    def _connect(self) -> None:
        context = self.address.certificate.context()
        plain = socket.create_connection((self.address.host, self.address.port), WAIT_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line = context.wrap_socket(plain, server_hostname=self.address.host)
        flags = 0 if self.session_s else 0x02
        properties = struct.pack(">BI", 0x11, self.session_s)
        head = _text("MQTT") + bytes((5, flags)) + struct.pack(">H", 60)
        body = head + _length(len(properties)) + properties + _text(self.address.client_id)
        self._send(0x10, body)
        answer = self._await(_CONNACK)
        if answer is not None and len(answer) > _REASON:
            self.reason = answer[1]
            self.limits = _numbers(answer[_REASON:])

    def _send(self, first: int, body: bytes) -> None:
        if self._line is None:
            return
        try:
            self._line.settimeout(WAIT_S)
            self._line.sendall(bytes((first,)) + _length(len(body)) + body)
        except OSError:
            self._end()

    def _await(self, kind: int) -> bytes | None:
        """Return the next packet of a kind; keep messages that arrive before it."""
        until_s = time.monotonic() + WAIT_S
        while (packet := self._next_packet(until_s)) is not None:
            if packet[0] == kind:
                return packet[1]
        return None

    def _next_packet(self, until_s: float) -> tuple[int, bytes] | None:
        """Return type and body of the next packet; None: none came, or the connection ended."""
        while (packet := self._take_packet()) is None:
            left_s = until_s - time.monotonic()
            if self._line is None or left_s <= 0:
                return None
            try:
                self._line.settimeout(left_s)
                received = self._line.recv(65536)
            except TimeoutError:
                return None
            except OSError:
                received = b""
            if not received:
                self._end()
                return None
            self._buffer += received
        if packet[0] & 0xF0 == _PUBLISH:
            try:
                self._take_message(*packet)
            except IndexError:  # The packet ends before its properties do.
                self._end()
                return None
        return packet

    def _take_packet(self) -> tuple[int, bytes] | None:
        """Remove one whole packet from what was received."""
        try:
            size, start = _read_length(self._buffer, 1)
        except IndexError:
            return None
        if size > _LIMIT_BYTES:
            self._end()
            return None
        if len(self._buffer) < start + size:
            return None
        packet = self._buffer[0], bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        return packet

    def _take_message(self, first: int, body: bytes) -> None:
        topic_end = 2 + int.from_bytes(body[:2], "big")
        number_end = topic_end + (2 if first & 0x06 else 0)
        size, start = _read_length(body, number_end)
        topic = body[2:topic_end].decode("utf-8", "replace")
        self._arrived.append(Arrived(topic, body[start + size :], bool(first & 0x01)))
        if number_end > topic_end:
            self._send(_PUBACK, body[topic_end:number_end])

    def _next(self) -> bytes:
        self._number += 1
        return struct.pack(">H", self._number)

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _text(text: str) -> bytes:
    content = text.encode()
    return struct.pack(">H", len(content)) + content


def _length(number: int) -> bytes:
    """Return a variable byte integer (MQTT v5, section 1.5.5)."""
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(digits)


def _read_length(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """Return a variable byte integer, and where it ends; IndexError: it is not all there."""
    number = 0
    for place in range(4):
        digit = data[at + place]
        number |= (digit & 0x7F) << (7 * place)
        if not digit & 0x80:
            return number, at + place + 1
    return _LIMIT_BYTES + 1, at + 4


def _numbers(data: bytes) -> dict[int, int]:
    """Return the number properties of a CONNACK; reading ends at a property it does not know."""
    try:
        size, at = _read_length(data, 0)
    except IndexError:  # The length itself is cut off.
        return {}
    end, found = min(at + size, len(data)), dict[int, int]()
    while at < end:
        kind, at = data[at], at + 1
        if kind in _FIXED:
            found[kind] = int.from_bytes(data[at : at + _FIXED[kind]], "big")
            at += _FIXED[kind]
        elif kind in _TEXTS:
            for _ in range(_TEXTS[kind]):
                at += 2 + int.from_bytes(data[at : at + 2], "big")
        else:
            break
    return found
