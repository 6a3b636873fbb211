"""A state machine of the interlock: any holder, lamp and delay, on a virtual clock."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmware.guard.interlock import (
    COVERED_S,
    RECOVERIES,
    RECOVERY_WINDOW_S,
    UNWATCHED_S,
    Change,
    Interlock,
    State,
)
from firmware.tests.fakes import Bulb

FINE_S = 0.01
LATE_S = 1e-6
"""Rounding of sums of seconds."""


class LampMachine(RuleBasedStateMachine):
    """A lamp, the interlock that drives it, and a holder who does as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.bulb = Bulb()
        self.changes: list[Change] = []
        self.interlock = Interlock(self.now_s, on_change=self.changes.append)
        self.unseen_s = 0.0
        """How long leases could be had without the photodiode having seen anything."""
        self.lit_since_s: float | None = None
        """Since when every tick has sensed light."""
        self.lease_end_s = 0.0
        """End of the last lease that could be had."""

    def tick(self, by_s: float) -> None:
        self.now_s += by_s
        sensed = self.bulb.senses_current()
        if not sensed:
            self.lit_since_s = None
        elif self.lit_since_s is None:
            self.lit_since_s = self.now_s
        self.interlock.tick(self.now_s, sensed=sensed, seen=self.bulb.sees_light())
        self.bulb.drive(high=self.interlock.lamp)
        if self.bulb.sees_light() is not False:
            self.unseen_s = 0.0
        elif self.interlock.deadline_s() is not None:
            self.unseen_s += min(by_s, UNWATCHED_S)
        self.check_lease()

    def check_lease(self) -> None:
        deadline_s = self.interlock.deadline_s()
        if deadline_s is None:
            return
        assert self.lit_since_s is not None, "A lease without light."
        assert self.now_s - self.lit_since_s >= 0.06 - LATE_S, "Less than 60 ms of light."
        assert deadline_s <= self.now_s + 0.2 + LATE_S, "A lease of more than 200 ms."
        self.lease_end_s = deadline_s

    @rule(ticks=st.integers(1, 40))
    def time_passes(self, ticks: int) -> None:
        for _ in range(ticks):
            self.tick(FINE_S)

    @rule(ticks=st.integers(1, 300))
    def the_holder_looks(self, ticks: int) -> None:
        for _ in range(ticks):
            self.tick(FINE_S)
            self.interlock.beat()

    @rule(by_s=st.sampled_from([0.03, 0.3, 3.0, 60.0, 3600.0]))
    def the_guard_is_kept_waiting(self, by_s: float) -> None:
        self.tick(by_s)

    @rule()
    def the_holder_asks(self) -> None:
        if self.interlock.ask():
            self.check_lease()

    @rule()
    def the_holder_stops(self) -> None:
        self.interlock.stop("holder stopped")

    @rule()
    def a_person_looks_for_the_camera(self) -> None:
        if self.interlock.locate():
            assert self.interlock.deadline_s() is None

    @rule(wire_cut=st.booleans(), tied_high=st.booleans(), covered=st.sampled_from([None, 0, 1]))
    def the_lamp_breaks_or_is_mended(
        self, *, wire_cut: bool, tied_high: bool, covered: int | None
    ) -> None:
        self.bulb.wire_cut, self.bulb.tied_high = wire_cut, tied_high
        self.bulb.covered = None if covered is None else bool(covered)

    @precondition(lambda self: not (self.bulb.wire_cut or self.bulb.tied_high or self.bulb.covered))
    @precondition(lambda self: self.interlock.state not in {State.FAULT, State.ON})
    @precondition(lambda self: not self.interlock.locating)
    @rule()
    def a_sound_lamp_lights_within_a_second(self) -> None:
        for _ in range(100):
            self.interlock.ask()
            self.tick(FINE_S)
        assert self.interlock.state is State.ON

    @invariant()
    def no_lease_but_in_on(self) -> None:
        assert (self.interlock.deadline_s() is not None) == (self.interlock.state is State.ON)

    @invariant()
    def no_lease_lasts_four_seconds_under_tape(self) -> None:
        """Allow three unseen seconds, and the ticks between them."""
        assert self.unseen_s <= COVERED_S + 1.0

    @invariant()
    def a_fault_is_dark(self) -> None:
        assert not (self.interlock.state is State.FAULT and self.interlock.lamp)

    @invariant()
    def the_lamp_outlasts_the_last_lease_by_2_s(self) -> None:
        recent = self.now_s < self.lease_end_s + 2.0 - LATE_S
        broken = State.FAULT in [one.after for one in self.changes if one.at_s > self.now_s - 4]
        assert self.interlock.lamp or broken or not recent

    @invariant()
    def at_most_three_self_recoveries_in_a_day(self) -> None:
        times = [one.at_s for one in self.changes if one.reason == "self-recovery"]
        for first, fourth in zip(times, times[RECOVERIES:], strict=False):
            assert fourth - first > RECOVERY_WINDOW_S

    @invariant()
    def every_change_follows_from_the_one_before(self) -> None:
        states = [State.BOOT, *(change.after for change in self.changes)]
        assert [change.before for change in self.changes] == states[:-1]
        assert self.interlock.state is states[-1]


TestLamp = LampMachine.TestCase
TestLamp.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
