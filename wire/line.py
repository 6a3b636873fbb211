"""The state of one connection: which answers are overdue (time-outs), and whether it succeeded."""

import time
from dataclasses import dataclass, field

from wire.errors import BrokerMisbehaves
from wire.limits import STEADY_S, Patience


@dataclass(slots=True)
class Line:
    """One connection, from CONNECT to its end. Times are of CLOCK_MONOTONIC, in seconds."""

    asked_s: float = field(default_factory=time.monotonic)
    """When CONNECT was sent, later SUBSCRIBE."""
    subscription: int = 0
    """Packet identifier of the SUBSCRIBE; 0 until the CONNACK has come."""
    ready_s: float = float("inf")
    """When the broker had taken the subscription."""
    unanswered: dict[int, float] = field(default_factory=dict)
    """Messages without a PUBACK, by number, oldest first: when each was handed over."""
    answered_s: float = 0.0
    """When the last PUBACK came."""
    delivered: bool = False
    """Whether a message arrived, or one that was sent was delivered."""
    at_fault: bool = False
    """Whether the broker ended it with a DISCONNECT, or by breaking the protocol."""

    def check_overdue(self, patience: Patience) -> None:
        """Do nothing unless an answer is overdue.

        Raises:
            BrokerMisbehaves: CONNACK, SUBACK, or the PUBACK of the oldest message did not come.
        """
        now_s = time.monotonic()
        if now_s < self.ready_s:
            asked = "SUBSCRIBE" if self.subscription else "CONNECT"
            wait_s = patience.suback_s if self.subscription else patience.connack_s
            if now_s - self.asked_s > wait_s:
                raise BrokerMisbehaves(f"The broker did not answer {asked} within {wait_s:g} s.")
        oldest_s = next(iter(self.unanswered.values()), now_s)
        if now_s - max(oldest_s, self.answered_s) > patience.puback_s:
            raise BrokerMisbehaves(
                f"The broker did not answer a message within {patience.puback_s:g} s."
            )

    def answer(self, number: int, *, delivered: bool) -> None:
        """Note a PUBACK."""
        self.unanswered.pop(number, None)
        self.answered_s = time.monotonic()
        self.delivered |= delivered

    def succeeded(self) -> bool:
        """Return whether it lasted, or delivered something and ended by no act of the broker.

        A broker that is too busy takes a few messages and then sends a DISCONNECT, each time.
        """
        lasted = time.monotonic() - self.ready_s >= STEADY_S
        return lasted or (self.delivered and not self.at_fault)
