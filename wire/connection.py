"""The MQTT v5 connection to the broker: TLS 1.3, QoS 1, reconnection with backoff, time-outs.

One thread owns a `Connection`. Only `run_network` does network work, so there is no lock and no
callback that could block: callbacks put what happened into bounded queues. The broker's reason code
alone decides whether a message was delivered, because paho calls a refused message published. A
message that arrived is acknowledged by `acknowledge`, when the caller has done its work with it.
Every connection begins empty: the caller sends again what was not acknowledged on the old one. A
certificate that is replaced on disk is taken up without a restart.

Nothing that a broker sends ends the program. Whatever goes wrong ends the connection, is named in
one warning, and leads to a new connection after the backoff. That one begins with a clean session,
so that no packet that this side cannot read is delivered again. There is no fallback to another
version of MQTT or TLS.
"""

import ssl
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from wire.answers import NO_SUBSCRIBERS, Acknowledged, Warnings, check_granted, quote
from wire.backoff import Backoff
from wire.certificate import Address
from wire.errors import BrokerMisbehaves, CertificateRefused, NotConnected, WireError
from wire.limits import (
    CERTIFICATE_S,
    IN_FLIGHT,
    QUEUED,
    UNSENT_PACKETS,
    BrokerLimits,
    Patience,
    read_limits,
)
from wire.line import Line
from wire.message import Message
from wire.paho_client import BoundedClient


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
    patience: Patience = field(default_factory=Patience)
    backoff: Backoff = field(default_factory=Backoff)
    _limits: BrokerLimits = field(default_factory=BrokerLimits)
    _warnings: Warnings = field(default_factory=Warnings)
    _arrived: deque[Message] = field(default_factory=lambda: deque(maxlen=IN_FLIGHT))
    _acknowledged: deque[Acknowledged] = field(default_factory=lambda: deque(maxlen=QUEUED))
    _tls: ssl.SSLContext = field(init=False)
    _stamp: tuple[tuple[int, int], ...] = field(init=False)
    _client: BoundedClient = field(init=False)
    _line: Line | None = None
    """None while there is no connection."""
    _clean: bool = False
    """Whether the next connection forgets the session: the last one ended by an error."""
    _next_certificate_s: float = 0.0

    def __post_init__(self) -> None:
        self._stamp = self.address.certificate.stamp()
        self._tls = self.address.certificate.context()
        self._client = self._new_client()

    @property
    def window(self) -> int:
        """Return how many messages may be in flight at once."""
        return self._limits.window

    @property
    def room(self) -> int:
        """Return how many messages can be sent now without waiting for an acknowledgement."""
        return max(0, self.window - len(self._line.unanswered)) if self._line else 0

    @property
    def trouble(self) -> str:
        """Return the newest warning about the connection, or an empty text."""
        return self._warnings.last

    def run_network(self, wait_s: float) -> None:
        """Send and receive for at most about `wait_s`; connect again when the backoff is over."""
        if time.monotonic() >= self._next_certificate_s:
            self._next_certificate_s = time.monotonic() + CERTIFICATE_S
            self._reload_certificate()
        if self._line is None and self.backoff.due():
            self._connect()
        if self._line is None:
            time.sleep(wait_s)
            return
        with self._ending_on_error():
            self._line.check_overdue(self.patience)
            result = self._client.loop(wait_s)
            if result is MQTTErrorCode.MQTT_ERR_PROTOCOL:
                raise BrokerMisbehaves("The broker sent a packet that is not MQTT v5.")
            if result is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._note_loss(self._line)
                self._end()

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
            BrokerUnfit: the broker keeps no retained messages; nothing was sent.
        """
        if not self.connected or self._line is None:
            raise NotConnected("There is no connection to the broker.")
        if len(self._line.unanswered) >= QUEUED:
            raise NotConnected(f"The broker has not answered {QUEUED} messages: wait.")
        self._limits.check_message(topic, payload, retain=retain)
        with self._ending_on_error():
            number = self._client.send(topic, payload, expires_s, retain=retain)
            self._line.unanswered[number] = time.monotonic()
            return number
        raise NotConnected("The connection to the broker has just ended.")

    def take_arrived(self) -> Iterator[Message]:
        """Take the messages that arrived, oldest first, while they can still be acknowledged."""
        while self.connected and self._arrived:
            yield self._arrived.popleft()

    def acknowledge(self, message: Message) -> None:
        """Acknowledge a message that arrived: the broker does not deliver it again.

        A message of QoS 0 has no number, and gets no answer: MQTT forbids one.
        """
        if not message.number:
            return
        with self._ending_on_error():
            if self._client.unsent() >= UNSENT_PACKETS:
                raise BrokerMisbehaves("The broker does not read what this side sends.")
            self._client.ack(message.number, 1)

    def take_acknowledged(self) -> Iterator[Acknowledged]:
        """Take the broker's answers to messages sent, oldest first."""
        while self._acknowledged:
            yield self._acknowledged.popleft()

    def close(self) -> None:
        """Disconnect from the broker."""
        if self._line is not None:
            with self._ending_on_error():
                self._client.disconnect()
                self._client.loop(0.1)
            self._drop()

    @contextmanager
    def _ending_on_error(self) -> Iterator[None]:
        """End the connection on any error, and name it once: no error ends the program."""
        try:
            yield
        except WireError as error:
            text = str(error)
        except Exception as error:  # noqa: BLE001  # The broker chose the bytes that led here.
            text = f"The broker sent what this side cannot read ({type(error).__name__})."
        else:
            return
        self._clean = True
        if self._line is not None:
            self._line.at_fault = True
        self._warnings.connection(text)
        self._end()

    def _new_client(self) -> BoundedClient:
        client = BoundedClient(
            self.address.client_id,
            self._tls,
            self.patience.packet_s,
            self._on_arrival,
            self._is_full,
        )
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
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
            self._warnings.connection(f"The old certificate stays in use: {error}")
            return
        self.close()
        self.backoff.skip()

    def _connect(self) -> None:
        self._client = self._new_client()
        self._acknowledged.clear()
        clean = self.session_s == 0 or self._clean
        try:
            self._client.open(self.address.host, self.address.port, self.session_s, clean=clean)
            self._line = Line()
        except (OSError, ValueError) as error:
            at = f"{self.address.host}:{self.address.port}"
            self._warnings.connection(f"The broker at {at} cannot be reached: {error}.")
            self._end()

    def _end(self) -> None:
        """End the connection and begin the wait for the next."""
        if self._line is not None and self._line.succeeded():
            self.backoff.reset()
        self._drop()
        self.backoff.wait()

    def _note_loss(self, line: Line) -> None:
        if line.succeeded():
            self._warnings.forget_connection()
        if not line.at_fault:
            text = "The connection to the broker was lost: check the network and the broker."
            self._warnings.connection(text)

    def _drop(self) -> None:
        self._client.hang_up()
        self._line, self.connected = None, False
        self._arrived.clear()  # The broker delivers again what was not acknowledged.

    def _on_connect(
        self, client: mqtt.Client, _: object, __: object, why: ReasonCode, told: Properties | None
    ) -> None:
        if why.is_failure:
            raise BrokerMisbehaves(f"The broker refuses this side: {quote(why)}")
        wanted = (self.subscription,) if isinstance(self.subscription, str) else self.subscription
        self._limits = read_limits(told, wanted)
        self._client.keep_to(self.window)
        if self._line is None or not wanted:
            self._ready()
            return
        self._line.asked_s = time.monotonic()
        _, number = client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in wanted])
        self._line.subscription = number or 0

    def _on_subscribe(
        self, _: object, __: object, number: int, reasons: Sequence[ReasonCode], ___: object
    ) -> None:
        wanted = 1 if isinstance(self.subscription, str) else len(self.subscription)
        if self._line is None or number != self._line.subscription or len(reasons) != wanted:
            raise BrokerMisbehaves("The broker sent a SUBACK that answers no SUBSCRIBE.")
        for reason in reasons:
            check_granted(reason)
        self._ready()

    def _ready(self) -> None:
        self.connected, self._clean = True, False
        if self._line is not None:
            self._line.ready_s = time.monotonic()

    def _on_disconnect(
        self, _: object, __: object, flags: mqtt.DisconnectFlags, reason: ReasonCode, ___: object
    ) -> None:
        self.connected = False
        if self._line is not None and flags.is_disconnect_packet_from_server:
            self._line.at_fault = True
            self._warnings.connection(f"The broker ended the connection: {quote(reason)}")

    def _on_arrival(self, message: Message) -> None:
        if len(self._arrived) < IN_FLIGHT or message.number:
            self._arrived.append(message)  # Where there was no room, it replaces one of QoS 0.
            if self._line is not None:
                self._line.delivered = True

    def _is_full(self) -> bool:
        """Return whether no packet is read before the program has taken messages.

        mosquitto 2.0 sends more messages than the Receive Maximum to a client with a backlog (its
        issue 2301). They wait in the network: to end the connection would end its session as well.
        """
        return len(self._arrived) == IN_FLIGHT and any(one.number for one in self._arrived)

    def _on_publish(
        self, _: object, __: object, number: int, reason: ReasonCode, ___: object
    ) -> None:
        delivered = not reason.is_failure and reason.value != NO_SUBSCRIBERS
        if self._line is not None:
            self._line.answer(number, delivered=delivered)
        if not delivered:
            self._warnings.message(f"A message was not delivered: {quote(reason)}")
        self._acknowledged.append(Acknowledged(number, delivered, reason.is_failure))
