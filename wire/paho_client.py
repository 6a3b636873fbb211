"""paho's MQTT client with bounds: packet size, time per packet, expected packets, lenient PUBLISH.

paho reads any packet into memory whose length a broker names, refuses whole messages for one
character of a property that is not used, and answers packets that no client asks for. This subclass
overrides the five methods where that happens. They are private to paho, so its version is pinned
(decision 0021). Everything that a broker does against the protocol is raised as `BrokerMisbehaves`
out of `loop`, and the connection catches it there.
"""

import socket
import ssl
import time
from collections.abc import Callable
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import (
    CallbackAPIVersion,
    MessageType,
    MQTTErrorCode,
    MQTTProtocolVersion,
)
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from wire.errors import BrokerMisbehaves
from wire.limits import CONNECT_S, IN_FLIGHT, KEEPALIVE_S, LARGEST_BYTES, QUEUED
from wire.message import Message, read_publish

PIECE_BYTES: Final = 64 * 1024
"""Most bytes that are read at once: paho asks for a whole packet, and the buffer is made first."""
EXPECTED: Final = frozenset(
    {
        MessageType.CONNACK,
        MessageType.PUBLISH,
        MessageType.PUBACK,
        MessageType.SUBACK,
        MessageType.PINGRESP,
        MessageType.DISCONNECT,
    }
)
"""What a broker sends to a client that uses QoS 1 and no authentication packets."""


class BoundedClient(mqtt.Client):
    """One client for one connection: `connect` it once."""

    def __init__(
        self,
        client_id: str,
        tls: ssl.SSLContext,
        packet_s: float,
        on_arrival: Callable[[Message], None],
        is_full: Callable[[], bool],
    ) -> None:
        """Make a client that gives each message to `on_arrival`, and reads none while `is_full`."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        self.tls_set_context(tls)
        self.connect_timeout = CONNECT_S
        self.max_inflight_messages_set(IN_FLIGHT)
        self.max_queued_messages_set(QUEUED)
        self.on_socket_open = _send_at_once
        self._on_arrival = on_arrival
        self._is_full = is_full
        self._packet_s = packet_s
        self._begun_s = 0.0
        self._greeted = False

    def open(self, host: str, port: int, session_s: int, *, clean: bool) -> None:
        """Open TCP and TLS, and send CONNECT.

        Raises:
            OSError: the broker cannot be reached, or its certificate is refused.
            ValueError: the host is no name or address.
        """
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = session_s
        properties.ReceiveMaximum = IN_FLIGHT
        properties.MaximumPacketSize = LARGEST_BYTES
        self.connect(host, port, KEEPALIVE_S, clean_start=clean, properties=properties)

    def send(self, topic: str, payload: bytes, expires_s: int | None, *, retain: bool) -> int:
        """Send a message of QoS 1, or queue it while the window is full; return its number."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expires_s is not None:
            properties.MessageExpiryInterval = expires_s
        return self.publish(topic, payload, 1, retain, properties).mid

    def unsent(self) -> int:
        """Return how many packets wait for the broker to read."""
        return len(self._out_packet)

    def keep_to(self, window: int) -> None:
        """Keep to the broker's Receive Maximum; paho's own setter refuses while connected."""
        self._max_inflight_messages = window

    def hang_up(self) -> None:
        """Close the sockets, without a word to the broker."""
        self._reset_sockets()

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > LARGEST_BYTES:
            raise BrokerMisbehaves(
                f"The broker sent a packet of {bufsize} bytes; this side takes {LARGEST_BYTES}."
            )
        return super()._sock_recv(min(bufsize, PIECE_BYTES))

    def _packet_read(self) -> MQTTErrorCode:
        now_s = time.monotonic()
        if self._in_packet["command"] == 0:
            if self._is_full():
                return MQTTErrorCode.MQTT_ERR_AGAIN  # TCP holds the broker back meanwhile.
            self._begun_s = now_s
        elif now_s - self._begun_s > self._packet_s:
            raise BrokerMisbehaves(f"The broker sends one packet for over {self._packet_s:.0f} s.")
        return super()._packet_read()

    def _packet_handle(self) -> MQTTErrorCode:
        kind = self._in_packet["command"] & 0xF0
        if kind not in EXPECTED or self._greeted == (kind == MessageType.CONNACK):
            raise BrokerMisbehaves(
                f"The broker sent a packet of type {kind >> 4}, which is out of place here."
            )
        self._greeted = True
        return super()._packet_handle()

    def _handle_connack(self) -> MQTTErrorCode:
        result = super()._handle_connack()
        self._keepalive = min(self._keepalive or KEEPALIVE_S, KEEPALIVE_S)
        return result

    def _handle_publish(self) -> MQTTErrorCode:
        packet = self._in_packet
        self._on_arrival(read_publish(packet["command"], bytes(packet["packet"])))
        return MQTTErrorCode.MQTT_ERR_SUCCESS


def _send_at_once(_client: mqtt.Client, _data: object, opened: object) -> None:
    """Set TCP_NODELAY: holding back small packets costs 40 ms and saves nothing here."""
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
