"""The lamp's states, as a pure machine: time and sense go in; light, leases and reasons come out.

Permission flows from light to inference and never back: a lease is granted only while the lamp's
own current has been sensed, and it ends by itself 200 ms later. Every doubt ends in FAULT: lamp
off, no leases. Times are CLOCK_MONOTONIC seconds, passed in; nothing here waits or reads a clock.

    BOOT ──test passed──▶ OFF ──asked──▶ ARMING ──60 ms of light──▶ ON
                           ▲                ▲                            │ stop, or silent 0.5 s
                           └────2 s─────── HOLD ◀────────────────────────┘
    anything ──sense wrong──▶ FAULT ──operator, or at most 3 times in 24 h──▶ BOOT
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from formats import lease

TEST_ON_S: Final = 0.1
"""Self-test: the lamp is on this long, then off this long (DESIGN.md section 4)."""
SETTLE_S: Final = 0.02
"""Sense follows the lamp within this time, both ways (DESIGN.md section 4)."""
SAMPLE_S: Final = 0.02
"""Distance between the samples of light that arming needs."""
SAMPLES: Final = 4
"""Samples of light in a row before the first lease: one and three more, so 60 ms are proven."""
ARMING_S: Final = 0.2
"""Arming longer than this without light is a fault."""
LEASE_S: Final = lease.LEASE_MS / 1000
SILENCE_S: Final = lease.SILENT_MS / 1000
HOLD_S: Final = 2.0
"""The lamp stays on this long after the last inference, so that a short look is seen."""
RECOVER_S: Final = 60.0
"""Wait before a self-recovery."""
RECOVERIES: Final = 3
"""Self-recoveries allowed in `RECOVERY_WINDOW_S`; after that an operator must come."""
RECOVERY_WINDOW_S: Final = 24 * 3600.0


class State(StrEnum):
    """What the lamp is doing."""

    BOOT = "boot"
    OFF = "off"
    ARMING = "arming"
    ON = "on"
    HOLD = "hold"
    FAULT = "fault"


LIT: Final = frozenset({State.ARMING, State.ON, State.HOLD})
"""States in which the lamp is driven."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of state, for the ledger."""

    at_s: float
    before: State
    after: State
    reason: str


@dataclass(slots=True)
class Interlock:
    """The lamp's state. Drive `lamp`, then pass what is sensed to `tick`, every 10 ms or so."""

    now_s: float
    """Time of the last tick, in CLOCK_MONOTONIC seconds."""
    on_change: Callable[[Change], None]
    state: State = State.BOOT
    _since_s: float = field(init=False)
    _sensed: bool = False
    _proved: set[bool] = field(default_factory=set)
    _samples: int = 0
    _sampled_s: float = 0.0
    _heard_s: float = 0.0
    _recoveries: deque[float] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._since_s = self.now_s

    @property
    def lamp(self) -> bool:
        """Whether the lamp must be driven now."""
        testing = self.state is State.BOOT and self._elapsed_s < TEST_ON_S
        return testing or self.state in LIT

    def deadline_s(self) -> float | None:
        """End of a lease granted now, or None when none may be granted."""
        return self.now_s + LEASE_S if self.state is State.ON else None

    def ask(self) -> bool:
        """Somebody wants to look; says whether the lamp is now on its way."""
        self._heard_s = self.now_s
        if self.state in {State.OFF, State.HOLD}:
            self._samples, self._sampled_s = 0, self.now_s
            self._enter(State.ARMING, "asked")
        return self.state in {State.ARMING, State.ON}

    def heard(self) -> None:
        """The holder is alive."""
        self._heard_s = self.now_s

    def stop(self, reason: str) -> None:
        """The holder has stopped looking, or is gone."""
        if self.state in {State.ARMING, State.ON}:
            self._enter(State.HOLD, reason)

    def reset(self) -> None:
        """An operator has mended the lamp: test it again."""
        if self.state is State.FAULT:
            self._enter(State.BOOT, "operator")

    def tick(self, now_s: float, *, sensed: bool) -> None:
        """Advance to `now_s`; `sensed` is the lamp's own current."""
        self.now_s, self._sensed = now_s, sensed
        steps = {
            State.BOOT: self._test,
            State.OFF: self._rest,
            State.ARMING: self._arm,
            State.ON: self._shine,
            State.HOLD: self._hold,
            State.FAULT: self._recover,
        }
        steps[self.state]()

    @property
    def _elapsed_s(self) -> float:
        return self.now_s - self._since_s

    def _enter(self, after: State, reason: str) -> None:
        change = Change(self.now_s, self.state, after, reason)
        self.state, self._since_s = after, self.now_s
        self.on_change(change)

    def _test(self) -> None:
        lit = self._elapsed_s < TEST_ON_S
        settled = self._elapsed_s % TEST_ON_S > SETTLE_S
        if self._elapsed_s >= 2 * TEST_ON_S:
            # A guard that slept through a phase has proved nothing: it tests again.
            passed = self._proved == {True, False}
            self._proved = set()
            self._enter(*(State.OFF, "test passed") if passed else (State.BOOT, "test missed"))
        elif settled and self._sensed is not lit:
            self._proved = set()
            self._enter(State.FAULT, "no light in the test" if lit else "sense high in the test")
        elif settled:
            self._proved.add(self._sensed)

    def _arm(self) -> None:
        if self.now_s - self._sampled_s >= SAMPLE_S:
            self._samples = self._samples + 1 if self._sensed else 0
            self._sampled_s = self.now_s
        if self._samples >= SAMPLES:
            self._enter(State.ON, "lit")
        elif self._elapsed_s >= ARMING_S:
            self._enter(State.FAULT, "no light when armed")

    def _rest(self) -> None:
        if self._sensed and self._elapsed_s > SETTLE_S:
            self._enter(State.FAULT, "sense high while off")

    def _shine(self) -> None:
        if not self._sensed:
            self._enter(State.FAULT, "light lost")
        elif self.now_s - self._heard_s > SILENCE_S:
            self._enter(State.HOLD, "holder silent")

    def _hold(self) -> None:
        if not self._sensed:
            self._enter(State.FAULT, "light lost")
        elif self._elapsed_s >= HOLD_S:
            self._enter(State.OFF, "held")

    def _recover(self) -> None:
        while self._recoveries and self.now_s - self._recoveries[0] > RECOVERY_WINDOW_S:
            self._recoveries.popleft()
        if self._elapsed_s >= RECOVER_S and len(self._recoveries) < RECOVERIES:
            self._recoveries.append(self.now_s)
            self._enter(State.BOOT, "self-recovery")
