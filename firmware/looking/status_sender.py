"""When a status is sent: at random intervals, so that an envelope on the wire says nothing.

A status is sent only if the policy says so. An observer of the broker sees envelopes of one size at
random intervals; a candidate is one more of them. Statuses leave room for events: while many
envelopes wait for their receipts, none is made.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import SystemRandom
from typing import Final

from firmware.hardware.lamp import Lit
from firmware.hardware.temperature import Thermometer
from firmware.looking.reporter import Reporter

MEAN_S: Final = 900.0
"""Mean time between two statuses: about 100 a day, 3 MB, of 33 kB each. The waits are exponentially
distributed, so the last one does not tell when the next will be."""
WAITING_MOST: Final = 100
"""Envelopes in the outbox, of about 15,000 that fit, beyond which no status is added."""


def random_wait_s() -> float:
    """Return the random time until the next status, in seconds."""
    return SystemRandom().expovariate(1 / MEAN_S)


@dataclass(slots=True)
class StatusSender:
    """Sends statuses, if the policy says so."""

    reporter: Reporter
    thermometer: Thermometer
    wait_s: Callable[[], float] = random_wait_s
    clock_s: Callable[[], float] = time.monotonic
    _begun_s: float = field(init=False)
    _next_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun_s = self.clock_s()
        self._next_s = self._begun_s + self.wait_s()

    def send_if_due(self, lit: Lit) -> None:
        """Send a status if it is time.

        Raises:
            OutboxFull, LampDark: see `Reporter.report_status`.
        """
        now_s = self.clock_s()
        if not self.reporter.search.watchlist.policy.status or now_s < self._next_s:
            return
        self._next_s = now_s + self.wait_s()
        if self.reporter.waiting <= WAITING_MOST:
            looking_s, hottest_c = round(now_s - self._begun_s), self.thermometer.hottest_c()
            self.reporter.report_status(looking_s, hottest_c, lit)
