"""The lamp's state machine: time and sensed current go in; lamp drive, leases and faults come out.

A lease is granted only while the lamp's own current is sensed, and it ends by itself 200 ms later.
Every doubt ends in FAULT: lamp off, no leases. Times are CLOCK_MONOTONIC seconds, passed in;
nothing here waits or reads a clock. The sensed current is compared with the lamp as it was driven,
for the time that it was driven so: a guard that was kept waiting by the machine finds no fault with
the lamp. With a photodiode, light that does not get out for three seconds is a fault, too: the lamp
is covered.

    BOOT ──test passed──▶ OFF ──asked──▶ ARMING ──60 ms of light──▶ ON
                           ▲                ▲                            │ stop, or silent 0.5 s
                           └────2 s─────── HOLD ◀────────────────────────┘
                          OFF ──to be found──▶ LOCATING ──20 s──▶ OFF
    anything ──sense wrong──▶ FAULT ──by itself at most 3 times in 24 h──▶ BOOT
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from formats import lease

TICK_S: Final = 0.01
"""Sense is read and the state advanced this often while something is awaited of the lamp, or while
the sense line has not shown that its edges arrive: a dead lamp is seen within 10 ms."""
REST_S: Final = lease.RENEW_MS / 1000
"""Longest time between two readings while edges arrive: a lease is renewed on a fresh reading."""
TEST_ON_S: Final = 0.1
"""Self-test: the lamp is on this long, then off this long (docs/design.md, section 4)."""
SETTLE_S: Final = 0.02
"""Sense follows the lamp within this time, both ways (docs/design.md, section 4)."""
SAMPLE_S: Final = 0.02
"""Time between the samples of light that arming needs."""
SAMPLES: Final = 4
"""Samples of light in a row before the first lease: one and three more, so 60 ms are proven."""
ARMING_S: Final = 0.2
"""Arming longer than this without light is a fault."""
LEASE_S: Final = lease.LEASE_MS / 1000
SILENCE_S: Final = lease.SILENT_MS / 1000
HOLD_S: Final = 2.0 + LEASE_S
"""The lamp stays on this long: 2 s after the last lease can have ended, so people see a short
look."""
COVERED: Final = "light covered"
COVERED_S: Final = 3.0
"""Longest time of light, summed over all stretches, that the photodiode does not see: tape is found
within 5 s, and a hand that passes is no fault."""
UNWATCHED_S: Final = 0.05
"""As `REST_S`. Most of one tick that counts as unseen: the guard may have been kept waiting."""
RECOVER_S: Final = 60.0
"""Wait before a self-recovery."""
SELF_RECOVERY: Final = "self-recovery"
"""The reason of such a change; after a restart the guard counts these in its ledger."""
LOCATED: Final = "to be located"
"""The reason of each change for a person who looks for the camera."""
RECOVERIES: Final = 3
"""Self-recoveries allowed in `RECOVERY_WINDOW_S`; then an operator must restart the guard."""
RECOVERY_WINDOW_S: Final = 24 * 3600.0


LOCATE_S: Final = 20.0
"""How long the lamp blinks for a person who looks for the camera: time to look along a wall."""
LOCATE_REST_S: Final = 60.0
"""Shortest time from one such blinking to the next: a cable cannot keep the camera from looking."""
LOCATE_PERIOD_S: Final = 2.0
LOCATE_LIT_S: Final = ((0.0, 0.2), (0.4, 0.6))
"""Two blinks of 0.2 s in each period of two seconds: no code of a registration looks so, and no
second has more than three flashes (WCAG 2.2, 2.3.1)."""


class State(StrEnum):
    """The states of the lamp."""

    BOOT = "boot"
    OFF = "off"
    ARMING = "arming"
    ON = "on"
    HOLD = "hold"
    LOCATING = "locating"
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
    """The lamp's state. Drive `lamp`, then pass the sensed current to `tick`, after `rest_s`."""

    now_s: float
    """Time of the last tick, in CLOCK_MONOTONIC seconds."""
    on_change: Callable[[Change], None]
    state: State = State.BOOT
    _since_s: float = field(init=False)
    _sensed: bool = False
    _driven: bool = False
    _driven_s: float = field(init=False)
    _proved: bool = False
    _samples: int = 0
    _sampled_s: float = 0.0
    _heard_s: float = 0.0
    recorded: bool = True
    """Whether the ledger takes the changes. Without it the lamp does not recover by itself: after a
    power cut such recoveries would not count."""
    _unseen_s: float = 0.0
    """How long the lamp has shone without being seen. Kept over faults, so that the self-test finds
    the tape again before the next look."""
    _wanted: bool = False
    """Whether a person looks for the camera, and the lamp does not blink yet."""
    _located_s: float | None = None
    """When a person last asked for it."""
    recoveries: deque[float] = field(default_factory=deque)
    """When the lamp recovered by itself, oldest first; of earlier runs, too."""

    def __post_init__(self) -> None:
        self._since_s = self._driven_s = self.now_s

    @property
    def lamp(self) -> bool:
        """Whether the lamp must be driven now."""
        if self.state is State.LOCATING:
            at_s = self._elapsed_s % LOCATE_PERIOD_S
            return any(begin_s <= at_s < end_s for begin_s, end_s in LOCATE_LIT_S)
        return self.state in LIT or (self.state is State.BOOT and not self._proved)

    @property
    def locating(self) -> bool:
        """Whether the lamp blinks so that a person finds the camera, or is about to."""
        return self._wanted or self.state is State.LOCATING

    def deadline_s(self) -> float | None:
        """Return the end of a lease granted now, or None when none may be granted."""
        return self.now_s + LEASE_S if self.state is State.ON else None

    def rest_s(self) -> float:
        """Return after how many seconds `tick` is due, unless the sense line changes before."""
        moving = self.locating or self.state in {State.BOOT, State.ARMING}
        if moving or self._steady_s <= SETTLE_S:
            return TICK_S
        ends_s = {
            State.ON: self._heard_s + SILENCE_S,
            State.HOLD: self._since_s + HOLD_S,
            State.FAULT: self._since_s + RECOVER_S,
        }
        return max(TICK_S, min(REST_S, ends_s.get(self.state, math.inf) - self.now_s))

    def ask(self) -> bool:
        """Take a holder's request for light; return whether the lamp is lit or arming."""
        self._heard_s = self.now_s
        if self.state in {State.OFF, State.HOLD} and not self.locating:
            self._samples, self._sampled_s = 0, self.now_s
            self._enter(State.ARMING, "asked")
        return self.state in {State.ARMING, State.ON}

    def beat(self) -> None:
        """Take a holder's beat: it is alive."""
        self._heard_s = self.now_s

    def stop(self, reason: str) -> None:
        """End the looking: the holder has stopped, or is gone."""
        if self.state in {State.ARMING, State.ON}:
            self._enter(State.HOLD, reason)

    def locate(self) -> bool:
        """Take the wish of a person to find this camera; return whether the lamp will blink.

        It ends the light of a look first: no face is compared while the lamp blinks.
        """
        asked_s = self._located_s
        early = asked_s is not None and self.now_s - asked_s < LOCATE_REST_S
        if early or not self.recorded or self.state in {State.BOOT, State.FAULT}:
            return False
        self._wanted, self._located_s = True, self.now_s
        self.stop(LOCATED)
        return True

    def tick(self, now_s: float, *, sensed: bool, seen: bool | None = None) -> None:
        """Advance to `now_s` and drive `lamp` right after.

        Args:
            now_s: CLOCK_MONOTONIC.
            sensed: whether the lamp's own current flows.
            seen: whether its light gets out; None without a photodiode.
        """
        elapsed_s, self.now_s, self._sensed = now_s - self.now_s, now_s, sensed
        self._check_covered(elapsed_s, seen=seen)
        steps = {
            State.BOOT: self._test,
            State.OFF: self._rest,
            State.ARMING: self._arm,
            State.ON: self._shine,
            State.HOLD: self._hold,
            State.LOCATING: self._blink,
            State.FAULT: self._recover,
        }
        steps[self.state]()
        if self.lamp is not self._driven:
            self._driven, self._driven_s = self.lamp, self.now_s

    def _check_covered(self, elapsed_s: float, *, seen: bool | None) -> None:
        if seen is not False:
            self._unseen_s = 0.0
        elif self._sensed and self._driven and self._steady_s > SETTLE_S:
            self._unseen_s += min(elapsed_s, UNWATCHED_S)
        tested = self.state in LIT or self._proved
        if tested and self._unseen_s >= COVERED_S:
            self._enter(State.FAULT, COVERED)

    @property
    def _elapsed_s(self) -> float:
        return self.now_s - self._since_s

    @property
    def _steady_s(self) -> float:
        """How long the lamp has been driven as it must be now."""
        return self.now_s - self._driven_s if self._driven is self.lamp else 0.0

    @property
    def _wrong(self) -> bool:
        """Whether sense has not followed the lamp in time."""
        return self._steady_s > SETTLE_S and self._sensed is not self._driven

    def _enter(self, after: State, reason: str) -> None:
        change = Change(self.now_s, self.state, after, reason)
        self.state, self._since_s, self._proved = after, self.now_s, False
        self._wanted = self._wanted and after is not State.FAULT
        self.on_change(change)

    def _test(self) -> None:
        if self._wrong:
            lit = self._driven
            self._enter(State.FAULT, "no light in the test" if lit else "sense high in the test")
        elif self._steady_s >= TEST_ON_S and self._proved:
            self._enter(State.OFF, "test passed")
        elif self._steady_s >= TEST_ON_S:
            self._proved = True  # It lights. The second half of the test: it goes out.

    def _arm(self) -> None:
        if self.now_s - self._sampled_s >= SAMPLE_S:
            self._samples = self._samples + 1 if self._sensed else 0
            self._sampled_s = self.now_s
        if self._samples >= SAMPLES:
            self._heard_s = self.now_s  # A holder does not beat before its first lease.
            self._enter(State.ON, "lit")
        elif self._steady_s >= ARMING_S and not self._sensed:
            self._enter(State.FAULT, "no light when armed")

    def _rest(self) -> None:
        if self._wrong:
            self._enter(State.FAULT, "sense high while off")
        elif self._wanted:
            self._wanted = False
            self._enter(State.LOCATING, LOCATED)

    def _shine(self) -> None:
        if not self._sensed:
            self._enter(State.FAULT, "light lost")
        elif self.now_s - self._heard_s > SILENCE_S:
            self._enter(State.HOLD, "holder silent")

    def _hold(self) -> None:
        if self._wrong:
            self._enter(State.FAULT, "light lost")
        elif self._elapsed_s >= HOLD_S:
            self._enter(State.OFF, "held")

    def _blink(self) -> None:
        if self._wrong:
            self._enter(State.FAULT, "light lost" if self._driven else "sense high while off")
        elif self._elapsed_s >= LOCATE_S:
            self._enter(State.OFF, LOCATED)

    def _recover(self) -> None:
        while self.recoveries and self.now_s - self.recoveries[0] > RECOVERY_WINDOW_S:
            self.recoveries.popleft()
        rested = self.recorded and self._elapsed_s >= RECOVER_S
        if rested and len(self.recoveries) < RECOVERIES:
            self.recoveries.append(self.now_s)
            self._enter(State.BOOT, SELF_RECOVERY)
