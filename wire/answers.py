"""Reason codes of the broker's answers (CONNACK, SUBACK, PUBACK, DISCONNECT), with what to check.

A warning is written once per change: a broker that says the same thing again and again is quoted
once, and once more after an hour. Text that the broker chose (Reason String, Server Reference) is
not written: only the code is.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from wire.errors import BrokerMisbehaves, BrokerUnfit

AGAIN_S: Final = 3600.0
"""A warning that did not change is repeated after this time."""
NO_SUBSCRIBERS: Final = 16
"""MQTT v5 reason code `No matching subscribers`: the broker took the message and dropped it."""

CHECKS: Final[Mapping[int, str]] = {
    16: "start the program that should receive it",
    132: "the broker must speak MQTT v5",
    133: "the name of the certificate must be the client's",
    134: "set use_identity_as_username true in its mosquitto.conf",
    135: "check its access rules (acl_file), and that this client is in them",
    136: "wait, or restart the broker",
    137: "wait, or give the broker more room",
    138: "ask the broker's operator: this client is shut out",
    139: "wait until the broker is started again",
    142: "another program connects with this client's name: stop one of them",
    143: "check its access rules (acl_file)",
    144: "check its access rules (acl_file)",
    147: "raise max_inflight_messages in its mosquitto.conf",
    149: "raise max_packet_size in its mosquitto.conf",
    150: "wait, or raise the broker's limit of messages per second",
    151: "raise the broker's quota (in mosquitto.conf: max_queued_messages, memory_limit)",
    154: "set retain_available true in its mosquitto.conf",
    155: "set max_qos 1 in its mosquitto.conf",
    156: "set broker_host to the other server",
    157: "set broker_host to the other server",
    158: "turn shared subscriptions on, or choose another broker",
    159: "wait, or raise the broker's limit of connections per second",
    162: "turn wildcard subscriptions on, or choose another broker",
}
"""What to check, by reason code."""
LOG_OF_BROKER: Final = "look into the broker's log"

log = logging.getLogger("wire.connection")


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker's answer (PUBACK) to one message that was sent."""

    number: int
    delivered: bool
    """Whether the broker took it and had a subscriber for it."""
    refused: bool = False
    """Whether the broker did not take it at all."""


def quote(reason: ReasonCode) -> str:
    """Return an answer's packet, code and name, and what to check, as the end of a sentence."""
    packet = PacketTypes.Names[reason.packetType].upper()
    check = CHECKS.get(reason.value, LOG_OF_BROKER)
    return f"{packet} {reason.value} ({reason}): {check}."


def check_granted(reason: ReasonCode) -> None:
    """Do nothing if a SUBACK grants QoS 1.

    Raises:
        BrokerMisbehaves: the broker refuses the subscription.
        BrokerUnfit: it grants QoS 0 only.
    """
    if reason.is_failure:
        raise BrokerMisbehaves(f"The broker refuses the subscription: {quote(reason)}")
    if reason.value < 1:
        raise BrokerUnfit(
            "The broker grants QoS 0 only, which loses messages: set max_qos 1 in its "
            "mosquitto.conf."
        )


@dataclass(slots=True)
class Warnings:
    """Writes warnings, each once per change of its kind."""

    last: str = ""
    """The newest warning about the connection, for a program that must tell its user."""
    _said: dict[str, tuple[str, float]] = field(default_factory=dict)
    """By kind: the newest text, and when it was written (CLOCK_MONOTONIC)."""

    def connection(self, text: str) -> None:
        """Write why there is no connection."""
        self.last = text
        self._write("connection", text)

    def message(self, text: str) -> None:
        """Write why a message was not delivered."""
        self._write("message", text)

    def forget_connection(self) -> None:
        """Write the next warning about the connection even if it was the last one before."""
        self._said.pop("connection", None)

    def _write(self, kind: str, text: str) -> None:
        now_s = time.monotonic()
        before, said_s = self._said.get(kind, ("", 0.0))
        if text == before and now_s - said_s < AGAIN_S:
            return
        self._said[kind] = text, now_s
        log.warning("%s", text)
