"""Limits of the connection: time-outs, queues, packet sizes, and what a broker announces (CONNACK).

A broker says in its CONNACK what it can do: Receive Maximum, Maximum Packet Size, Maximum QoS,
Retain Available, shared and wildcard subscriptions. A smaller number is kept to. A broker that
lacks what the product needs is refused with a sentence that names the line of its configuration.
"""

from dataclasses import dataclass
from typing import Final

from paho.mqtt.properties import Properties

from wire.errors import BrokerTooSmall, BrokerUnfit

KEEPALIVE_S: Final = 15
"""A silent connection is given up after at most twice this. A broker may lower it."""
CONNECT_S: Final = 5.0
"""Longest wait for a TCP connection, and for the TLS handshake after it."""
IN_FLIGHT: Final = 20
"""Most messages sent and not yet acknowledged, either way; the broker's Receive Maximum may lower
it."""
QUEUED: Final = 1000
"""Most messages handed over and not yet acknowledged: a receiver that was away gets 20 events of
each camera at once, and this serves 50 cameras."""
UNSENT_PACKETS: Final = 2 * QUEUED
"""Most packets that wait for a broker that does not read: messages and acknowledgements."""
LARGEST_BYTES: Final = 2 * 1024 * 1024
"""Longest packet that this side takes: a bundle of the site's repository is the longest by far."""
SMALLEST_BYTES: Final = 1024
"""Least Maximum Packet Size of a broker: a subscription and an acknowledgement must fit."""
FRONT_BYTES: Final = 64
"""Upper bound of the fixed header and properties of a message; its topic is added to it."""
STEADY_S: Final = 60.0
"""A connection that lasted this long was a success, even if nothing was delivered."""
CERTIFICATE_S: Final = 1.0
"""Time between two checks of the certificate's files."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Longest waits for the broker, in seconds: after them the connection is made anew."""

    connack_s: float = 10.0
    """For the answer to CONNECT."""
    suback_s: float = 10.0
    """For the answer to SUBSCRIBE."""
    puback_s: float = 30.0
    """For the answer to the oldest message: a bundle of 2 MiB takes 17 s at 1 Mbit/s."""
    packet_s: float = 120.0
    """For the rest of a packet that has begun: 2 MiB at 140 kbit/s."""


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """What a broker's CONNACK allows."""

    window: int = IN_FLIGHT
    """Messages that may be in flight at once."""
    largest_bytes: int = LARGEST_BYTES
    """Longest packet that the broker takes."""
    retain: bool = True
    """Whether the broker keeps retained messages."""

    def check_message(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Do nothing if the broker takes such a message.

        Raises:
            BrokerTooSmall: it takes no packet of this size.
            BrokerUnfit: it keeps no retained messages.
        """
        if retain and not self.retain:
            raise BrokerUnfit(
                "The broker keeps no retained messages, which the cameras' list needs: set "
                "retain_available true in its mosquitto.conf."
            )
        if len(payload) + len(topic) + FRONT_BYTES > self.largest_bytes:
            raise BrokerTooSmall(
                f"The broker takes {self.largest_bytes} bytes in one packet and {len(payload)} are "
                "needed: raise max_packet_size in its mosquitto.conf."
            )


def read_limits(properties: Properties | None, subscription: tuple[str, ...]) -> BrokerLimits:
    """Return the limits in the properties of a CONNACK.

    Raises:
        BrokerUnfit: the broker lacks something without which this side cannot work.
    """

    def announced(name: str, otherwise: int) -> int:
        return int(getattr(properties, name, otherwise))

    largest_bytes = announced("MaximumPacketSize", LARGEST_BYTES)
    if announced("MaximumQoS", 1) < 1:
        raise BrokerUnfit(
            "The broker takes QoS 0 only, which loses events: set max_qos 1 in its mosquitto.conf."
        )
    if largest_bytes < SMALLEST_BYTES:
        raise BrokerUnfit(
            f"The broker takes packets of {largest_bytes} bytes only: raise max_packet_size in its "
            "mosquitto.conf, or remove the line."
        )
    shared = any(topic.startswith("$share/") for topic in subscription)
    if shared and not announced("SharedSubscriptionAvailable", 1):
        raise BrokerUnfit(
            "The broker has no shared subscriptions, which receivers need: turn them on in its "
            "configuration, or choose another broker."
        )
    wild = any("+" in topic or "#" in topic for topic in subscription)
    if wild and not announced("WildcardSubscriptionAvailable", 1):
        raise BrokerUnfit(
            "The broker has no wildcard subscriptions, which receivers need: turn them on in its "
            "configuration, or choose another broker."
        )
    return BrokerLimits(
        min(IN_FLIGHT, announced("ReceiveMaximum", IN_FLIGHT)),
        largest_bytes,
        bool(announced("RetainAvailable", 1)),
    )
