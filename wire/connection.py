"""One connection to the broker: MQTT v5 over TLS 1.3, each side with its own certificate.

One thread owns it: `turn` does the network's work and nothing else does, so there is no lock and no
callback that could block. Callbacks only put what happened into a queue. What the broker said of a
message is decided by its reason code alone: paho calls a refused message published. A message that
arrived is acknowledged by `settle`, once whoever took it has done with it what it must. Every
attempt begins with nothing: what was not acknowledged on the old connection is its owner's to send.
"""

import logging
import secrets
import ssl
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from formats.errors import Refused

KEEPALIVE_S: Final = 30
CONNECT_S: Final = 5.0
"""Longest wait for a TCP connection."""
BACKOFF_S: Final = (1.0, 120.0)
"""First and longest wait between attempts; half of it is random, so that a fleet does not march."""
IN_FLIGHT: Final = 20
"""Most messages sent and not yet acknowledged; the broker's Receive Maximum may lower it."""
NOBODY_LISTENS: Final = 16
"""MQTT v5 reason code `No matching subscribers`: the broker took it, and nobody has it."""

log = logging.getLogger(__name__)


class WireError(Refused):
    """Base: the message is one sentence that says what to do next."""


class CertificateRefused(WireError):
    """A certificate, its key or its authority cannot be used."""


class NotConnected(WireError):
    """There is no connection to the broker: nothing was sent and nothing is queued."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """How one side and the broker know each other: paths of PEM files."""

    authority: Path
    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return a context that speaks TLS 1.3 to this broker and to no other.

        Raises:
            CertificateRefused: a file is missing or is no certificate or key.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_verify_locations(cafile=str(self.authority))
            context.load_cert_chain(str(self.chain), str(self.key))
        except (OSError, ssl.SSLError) as error:
            raise CertificateRefused(
                f"The TLS certificate cannot be used ({error}): put the authority at "
                f"{self.authority}, the certificate at {self.chain} and its key at {self.key}."
            ) from error
        return context


@dataclass(frozen=True, slots=True)
class Address:
    """Which broker, and who calls."""

    host: str
    port: int
    """1 to 65535."""
    client_id: str
    """The common name of the certificate: the broker insists."""
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Message:
    """One message that arrived."""

    number: int
    """Of its delivery on this connection."""
    topic: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the broker said of one message that was sent."""

    number: int
    delivered: bool
    """Whether the broker took it and somebody was subscribed."""


@dataclass(slots=True)
class Connection:
    """A connection that mends itself; `turn` it often."""

    address: Address
    subscription: str
    session_s: int = 0
    """How long the broker keeps what arrives while this side is away."""
    connected: bool = False
    """Whether there is a connection and the broker has taken the subscription."""
    window: int = IN_FLIGHT
    """Messages that may be in flight now."""
    _arrived: deque[Message] = field(default_factory=deque)
    _acknowledged: deque[Acknowledged] = field(default_factory=deque)
    _tls: ssl.SSLContext = field(init=False)
    _client: mqtt.Client = field(init=False)
    _next_attempt_s: float = 0.0
    _backoff_s: float = BACKOFF_S[0]
    _open: bool = False

    def __post_init__(self) -> None:
        self._tls = self.address.certificate.context()
        self._client = self._new_client()

    def turn(self, wait_s: float) -> None:
        """Do the network's work for at most about `wait_s`; connect when it is time to."""
        if not self._open and time.monotonic() >= self._next_attempt_s:
            self._attempt()
        if not self._open:
            time.sleep(wait_s)
        elif self._client.loop(wait_s) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lost()

    def publish(self, topic: str, payload: bytes) -> int:
        """Hand one message to the broker; return its number, which comes back in `acknowledged`.

        Raises:
            NotConnected: nothing was sent and nothing is queued.
        """
        if not self.connected:
            raise NotConnected("There is no connection to the broker.")
        return self._client.publish(topic, payload, qos=1).mid

    def arrived(self) -> Iterator[Message]:
        """Take the messages that have arrived, oldest first, for as long as they can be settled."""
        while self.connected and self._arrived:
            yield self._arrived.popleft()

    def settle(self, message: Message) -> None:
        """Tell the broker that a message has been dealt with: it will not come again."""
        self._client.ack(message.number, 1)

    def acknowledged(self) -> Iterator[Acknowledged]:
        """Take what the broker said of messages sent, oldest first."""
        while self._acknowledged:
            yield self._acknowledged.popleft()

    def close(self) -> None:
        """Say goodbye to the broker."""
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
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _attempt(self) -> None:
        self._client = self._new_client()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self.session_s
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
            # Not the error itself: a kept record would keep its socket open.
            log.warning("The broker cannot be reached: %s.", str(error))
            self._lost()

    def _lost(self) -> None:
        self._open = self.connected = False
        self._arrived.clear()  # The broker delivers again what was not settled.
        jitter = 0.5 + secrets.randbelow(1000) / 2000
        self._next_attempt_s = time.monotonic() + self._backoff_s * jitter
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
        client.subscribe(self.subscription, qos=1)

    def _on_subscribe(
        self,
        client: mqtt.Client,
        _data: object,
        _number: int,
        reasons: Sequence[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self.connected = not any(reason.is_failure for reason in reasons)
        if self.connected:
            self._backoff_s = BACKOFF_S[0]
        else:
            log.warning("The broker refuses the subscription: check its access rules.")
            client.disconnect()

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
        delivered = not reason.is_failure and reason.value != NOBODY_LISTENS
        self._acknowledged.append(Acknowledged(number, delivered))
