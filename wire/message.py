"""One MQTT message that arrived: reads a PUBLISH packet with any properties.

The properties are skipped by their length and not judged. The product uses none of them, and a
client that refuses a packet for one of them is sent the same packet again for ever: with QoS 1 that
would stop all messages after it. A topic that is no UTF-8 is read with replacement characters, so
that it is no topic of ours and the message is dropped where all strange messages are dropped.
"""

from dataclasses import dataclass, field
from typing import Final

from wire.errors import BrokerMisbehaves

MOST_LENGTH_BYTES: Final = 4
"""Longest variable byte integer (MQTT v5, section 1.5.5)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that arrived."""

    number: int
    """Packet identifier of its delivery on this connection; 0 at QoS 0: it asks for no answer."""
    topic: str
    payload: bytes = field(repr=False)


def read_publish(first_byte: int, body: bytes) -> Message:
    """Return the message of a PUBLISH packet.

    Args:
        first_byte: of the packet: its type and flags.
        body: everything after the packet's remaining length.

    Raises:
        BrokerMisbehaves: the packet ends too early, or its QoS is 2, which was not asked for.
    """
    qos = first_byte >> 1 & 3
    if qos > 1:
        raise BrokerMisbehaves("The broker sent a message of QoS 2, which this side did not ask.")
    topic_end = 2 + int.from_bytes(body[:2])
    number_end = topic_end + 2 * qos
    number = int.from_bytes(body[topic_end:number_end])
    payload_at = _end_of_properties(body, number_end)
    if len(body) < payload_at or (qos and not number):
        raise BrokerMisbehaves("The broker sent a message that ends too early.")
    return Message(number, body[2:topic_end].decode(errors="replace"), body[payload_at:])


def _end_of_properties(body: bytes, at: int) -> int:
    """Return where the properties end that begin at an index with their length."""
    length = 0
    for place, byte in enumerate(body[at : at + MOST_LENGTH_BYTES]):
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004  # The highest bit says that another byte follows.
            return at + place + 1 + length
    raise BrokerMisbehaves("The broker sent a message whose properties have no length.")
