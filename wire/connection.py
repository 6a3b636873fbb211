"""The MQTT v5 connection to the broker: TLS 1.3, QoS 1, reconnection with backoff, reason codes.

One thread owns a `Connection`. Only `run_network` does network work, so there is no lock and no
callback that could block: callbacks put what happened into queues. The broker's reason code alone
decides whether a message was delivered, because paho calls a refused message published. A message
that arrived is acknowledged by `acknowledge`, when the caller has done its work with it. Every
connection begins empty: the caller sends again what was not acknowledged on the old one. A
certificate that is replaced on disk is taken up without a restart. There is no fallback to another
version of MQTT or TLS.
"""

import logging
import secrets
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from wire.certificate import Address
from wire.errors import BrokerTooSmall, CertificateRefused, NotConnected

KEEPALIVE_S: Final = 15
"""A silent connection is given up after at most one and a half times this."""
CONNECT_S: Final = 5.0
"""Longest wait for a TCP connection."""
BACKOFF_S: Final = (1.0, 120.0)
"""Backoff: shortest and longest wait between attempts. The limit doubles with every failure. The
wait is drawn between the shortest and the limit, so that a fleet that lost its broker does not
reconnect all at once."""
IN_FLIGHT: Final = 20
"""Most messages sent and not yet acknowledged, either way; the broker's Receive Maximum may lower
it."""
LARGEST_BYTES: Final = 2 * 1024 * 1024
"""Longest packet that this side takes: a bundle of the site's repository is the longest by far."""
FRONT_BYTES: Final = 64
"""Upper bound of the fixed header and properties of a message; its topic is added to it."""
CERTIFICATE_S: Final = 1.0
"""Time between two checks of the certificate's files."""
NO_SUBSCRIBERS: Final = 16
"""MQTT v5 reason code `No matching subscribers`: the broker took the message and dropped it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One message that arrived."""

    number: int
    """Packet identifier of its delivery on this connection."""
    topic: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker's answer (PUBACK) to one message that was sent."""

    number: int
    delivered: bool
    """Whether the broker took it and had a subscriber for it."""
    refused: bool = False
    """Whether the broker did not take it at all."""


@dataclass(slots=True)
class Connection:
    """A connection that reconnects by itself; call `run_network` often."""

    address: Address
    subscription: str | tuple[str, ...]
    """What to receive: one topic filter, several, or none."""
    session_s: int = 0
    """How long the broker keeps the session: what arrives while this side is disconnected."""
    connected: bool = False
    """Whether there is a connection and the broker has taken the subscription."""
    window: int = IN_FLIGHT
    """Messages that may be in flight now."""
    largest_bytes: int = LARGEST_BYTES
    """Longest packet that the broker takes; its Maximum Packet Size may lower it."""
    _arrived: deque[Message] = field(default_factory=deque)
    _acknowledged: deque[Acknowledged] = field(default_factory=deque)
    _tls: ssl.SSLContext = field(init=False)
    _stamp: tuple[tuple[int, int], ...] = field(init=False)
    _client: mqtt.Client = field(init=False)
    _next_attempt_s: float = 0.0
    _next_certificate_s: float = 0.0
    _backoff_s: float = 2 * BACKOFF_S[0]
    _open: bool = False

    def __post_init__(self) -> None:
        self._stamp = self.address.certificate.stamp()
        self._tls = self.address.certificate.context()
        self._client = self._new_client()

    def run_network(self, wait_s: float) -> None:
        """Send and receive for at most about `wait_s`; connect again when the backoff is over."""
        if time.monotonic() >= self._next_certificate_s:
            self._next_certificate_s = time.monotonic() + CERTIFICATE_S
            self._reload_certificate()
        if not self._open and time.monotonic() >= self._next_attempt_s:
            self._connect()
        if not self._open:
            time.sleep(wait_s)
        elif self._client.loop(wait_s) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._back_off()

    def publish(
        self, topic: str, payload: bytes, *, expires_s: int | None = None, retain: bool = False
    ) -> int:
        """Hand one message to the broker; return its number, as `take_acknowledged` returns it.

        Args:
            topic: where to.
            payload: what.
            expires_s: how long the broker may keep it for an absent subscriber; by default without
                limit.
            retain: whether the broker keeps it for later subscribers.

        Raises:
            NotConnected: nothing was sent and nothing is queued.
            BrokerTooSmall: the broker takes no message of this size; nothing was sent.
        """
        if not self.connected:
            raise NotConnected("There is no connection to the broker.")
        if len(payload) + len(topic) + FRONT_BYTES > self.largest_bytes:
            raise BrokerTooSmall(
                f"The broker takes {self.largest_bytes} bytes in one message and {len(payload)} "
                "are needed: raise its message_size_limit."
            )
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expires_s is not None:
            properties.MessageExpiryInterval = expires_s
        return self._client.publish(topic, payload, qos=1, retain=retain, properties=properties).mid

    def take_arrived(self) -> Iterator[Message]:
        """Take the messages that arrived, oldest first, while they can still be acknowledged."""
        while self.connected and self._arrived:
            yield self._arrived.popleft()

    def acknowledge(self, message: Message) -> None:
        """Acknowledge a message that arrived: the broker does not deliver it again."""
        self._client.ack(message.number, 1)

    def take_acknowledged(self) -> Iterator[Acknowledged]:
        """Take the broker's answers to messages sent, oldest first."""
        while self._acknowledged:
            yield self._acknowledged.popleft()

    def close(self) -> None:
        """Disconnect from the broker."""
        if self._open:
            self._client.disconnect()
            self._client.loop(0.1)

    def _new_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            self.address.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        client.tls_set_context(self._tls)
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(self.window)
        client.on_socket_open = _send_at_once
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _reload_certificate(self) -> None:
        """Connect anew with replaced files; keep the old certificate if the new one is bad."""
        stamp = self.address.certificate.stamp()
        if stamp in ((), self._stamp):
            return
        self._stamp = stamp
        try:
            self._tls = self.address.certificate.context()
        except CertificateRefused as error:
            log.warning("The old certificate stays in use: %s", error)
            return
        self.close()
        self._open = self.connected = False
        self._arrived.clear()
        self._next_attempt_s = 0.0

    def _connect(self) -> None:
        self._client = self._new_client()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self.session_s
        properties.ReceiveMaximum = IN_FLIGHT
        properties.MaximumPacketSize = LARGEST_BYTES
        try:
            self._client.connect(
                self.address.host,
                self.address.port,
                keepalive=KEEPALIVE_S,
                clean_start=self.session_s == 0,
                properties=properties,
            )
            self._open = True
        except (OSError, ValueError) as error:
            # The error's text only: a log record that keeps the error keeps its socket open.
            log.warning("The broker cannot be reached: %s.", str(error))
            self._back_off()

    def _back_off(self) -> None:
        self._open = self.connected = False
        self._arrived.clear()  # The broker delivers again what was not acknowledged.
        share = secrets.randbelow(1001) / 1000
        wait_s = BACKOFF_S[0] + share * (self._backoff_s - BACKOFF_S[0])
        self._next_attempt_s = time.monotonic() + wait_s
        self._backoff_s = min(2 * self._backoff_s, BACKOFF_S[1])

    def _on_connect(
        self,
        client: mqtt.Client,
        _data: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.warning("The broker refuses this side: %s.", reason)
            return
        self.window = min(IN_FLIGHT, getattr(properties, "ReceiveMaximum", IN_FLIGHT))
        if self.window < client.max_inflight_messages:
            client.disconnect()  # paho takes this limit before it connects: reconnect with it.
            return
        self.largest_bytes = getattr(properties, "MaximumPacketSize", LARGEST_BYTES)
        wanted = (self.subscription,) if isinstance(self.subscription, str) else self.subscription
        if not wanted:
            self._ready()
            return
        client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in wanted])

    def _on_subscribe(
        self,
        client: mqtt.Client,
        _data: object,
        _number: int,
        reasons: Sequence[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if not any(reason.is_failure for reason in reasons):
            self._ready()
            return
        self.connected = False
        log.warning("The broker refuses the subscription: check its access rules.")
        client.disconnect()

    def _ready(self) -> None:
        self.connected = True
        self._backoff_s = 2 * BACKOFF_S[0]

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _data: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.warning("The connection to the broker ended: %s.", reason)
        self.connected = False

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._arrived.append(Message(message.mid, message.topic, bytes(message.payload)))

    def _on_publish(
        self,
        _client: mqtt.Client,
        _data: object,
        number: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        delivered = not reason.is_failure and reason.value != NO_SUBSCRIBERS
        self._acknowledged.append(Acknowledged(number, delivered, reason.is_failure))


def _send_at_once(_client: mqtt.Client, _data: object, opened: object) -> None:
    """Set TCP_NODELAY: holding back small packets costs 40 ms and saves nothing here."""
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
