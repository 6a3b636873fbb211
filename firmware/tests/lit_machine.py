"""A state machine of guard, holder and lamp, with faults in any order, on a virtual clock.

The guard's own leases and interlock, the real socket and the real `Lit` run against each other;
only the clock is the test's. In every order of faults a look implies that light was sensed within
the last 200 ms. `python -m firmware.tests.lit_machine` is the long form.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from firmware.errors import DiskStalled, LampDark
from firmware.guard.interlock import Change, Interlock, State
from firmware.guard.leases import Leases, Users
from firmware.guard.listener import listen
from firmware.hardware import lamp
from firmware.hardware.lamp import LIGHT_UP_S, Lit, _Lease
from firmware.tests.fakes import Bulb
from formats.lease import Grant, Request, decode_answer, encode_request

TICK_S = 0.01
LOOK_S = 0.03
"""A look takes about so long; light is checked on both sides."""
LEASE_S = 0.2
ROUNDING_S = 1e-6


@dataclass
class Tally:
    """What the machines of a run came to."""

    steps: int = 0
    looks: int = 0
    oldest_ms: float = 0.0
    """Longest time since light was sensed, at any look."""


TALLY = Tally()


class Holder:
    """`watch`, as far as the lamp is concerned: it asks, looks under its proof, and may die."""

    def __init__(self, door: Path) -> None:
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.line.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
        try:
            self.line.connect(str(door))
        except OSError:  # There is no guard, or a frozen one with a full house.
            self.line.close()
            raise
        self.lit: Lit | None = None
        self.asked_ns = 0

    def turn(self, now_ns: int) -> None:
        """Ask for light, or take the first grant."""
        if not self.asked_ns:
            self.say(Request.ASK)
            self.asked_ns = now_ns
        if self.lit is None:
            if now_ns - self.asked_ns > LIGHT_UP_S * 1e9:
                raise LampDark("No lease came in time.")
            with suppress(BlockingIOError):
                packet = os.read(self.line.fileno(), 64)
                if not packet:
                    raise LampDark("The lamp guard is gone.")
                answer = decode_answer(packet)
                if isinstance(answer, Grant):
                    self.lit = Lit(_Lease(self.line.fileno(), answer, now_ns))
                else:
                    self.asked_ns = 0

    def say(self, request: Request) -> None:
        with suppress(OSError):
            os.write(self.line.fileno(), encode_request(request))


class LitMachine(RuleBasedStateMachine):
    """A camera whose parts freeze, die, break and come back."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.door = Path(self.folder.name) / "lamp.sock"
        self.now_s = 1000.0
        self.bulb = Bulb()
        self.sensed_s = float("-inf")
        """When current was last there to be sensed."""
        self.real_time = vars(lamp)["time"]
        # The one clock of `Lit`.
        vars(lamp)["time"] = SimpleNamespace(monotonic_ns=lambda: int(self.now_s * 1e9))
        self.guard: Leases | None = None
        self.holder: Holder | None = None
        self.supervised = False
        """Whether a supervisor starts `watch` whenever there is none."""
        self.the_guard_starts()

    def teardown(self) -> None:
        vars(lamp)["time"] = self.real_time
        self._end_holder()
        if self.guard is not None:
            self.guard.close()
        self.folder.cleanup()

    def pass_time(self, by_s: float, *, guard: bool = True, holder: bool = True) -> None:
        """Let time pass in ticks; who is frozen does nothing."""
        for _ in range(max(1, round(by_s / TICK_S))):
            self._wait(TICK_S)
            if guard and self.guard is not None:
                self._tick(self.guard)
            if holder:
                self._turn()

    def _wait(self, for_s: float) -> None:
        if self.bulb.senses_current():
            self.sensed_s = self.now_s + for_s
        self.now_s += for_s

    def _tick(self, guard: Leases) -> None:
        guard.interlock.tick(
            self.now_s, sensed=self.bulb.senses_current(), seen=self.bulb.sees_light()
        )
        self.bulb.drive(high=guard.interlock.lamp)
        guard.serve()

    def _turn(self) -> None:
        try:
            if self.holder is None and self.supervised:
                self.holder = Holder(self.door)
            if self.holder is not None:
                self.holder.turn(int(self.now_s * 1e9))
                if self.holder.lit is not None:
                    self._look(self.holder.lit)
        except (LampDark, DiskStalled, OSError):
            self._end_holder()  # As the program does; its supervisor starts the next.

    def _look(self, lit: Lit) -> None:
        """Look once, as `Sight` does: the light is checked, then the nets run."""
        lit.check()
        age_s = self.now_s - self.sensed_s
        TALLY.looks += 1
        TALLY.oldest_ms = max(TALLY.oldest_ms, age_s * 1000)
        assert age_s <= LEASE_S + ROUNDING_S, f"A look {age_s * 1000:.0f} ms after the light."

    def _end_holder(self) -> None:
        if self.holder is not None:
            self.holder.line.close()
            self.holder = None

    @rule(ticks=st.integers(1, 60))
    def time_passes(self, ticks: int) -> None:
        self.pass_time(ticks * TICK_S)

    @rule(by_s=st.sampled_from([0.02, 0.1, 0.19, 0.21, 0.6, 3.0]))
    def the_guard_is_frozen(self, by_s: float) -> None:
        self.pass_time(by_s, guard=False)

    @rule(by_s=st.sampled_from([0.02, 0.1, 0.3, 0.6, 3.0]))
    def watch_is_frozen(self, by_s: float) -> None:
        self.pass_time(by_s, holder=False)

    @rule(by_s=st.sampled_from([0.05, 0.25, 1.0]))
    def both_are_frozen(self, by_s: float) -> None:
        self.pass_time(by_s, guard=False, holder=False)

    @precondition(lambda self: self.holder is not None and self.holder.lit is not None)
    @rule(by_s=st.sampled_from([0.05, 0.15, 0.25]))
    def the_lamp_breaks_while_the_guard_is_frozen(self, by_s: float) -> None:
        self.bulb.wire_cut = True
        self.pass_time(by_s, guard=False)

    @precondition(lambda self: self.guard is not None)
    @rule()
    def the_guard_is_killed(self) -> None:
        assert self.guard is not None
        self.guard.close()
        self.guard = None

    @precondition(lambda self: self.guard is None)
    @rule()
    def the_guard_starts(self) -> None:
        ignored: list[Change] = []
        interlock = Interlock(self.now_s, on_change=ignored.append)
        self.bulb.drive(high=False)  # Its lines were just opened.
        self.guard = Leases(listen(self.door), interlock, Users(os.getuid()))

    @rule()
    def watch_is_killed(self) -> None:
        self._end_holder()

    @rule()
    def watch_is_stopped(self) -> None:
        """Stop it as an operator does: no supervisor starts the next."""
        self.supervised = False
        self._end_holder()

    @precondition(lambda self: not self.supervised)
    @rule()
    def watch_is_started(self) -> None:
        """Let the supervisor start it from now on; a guard with a full house may refuse it once."""
        self.supervised = True

    @rule(wire_cut=st.booleans(), tied_high=st.booleans(), covered=st.booleans())
    def the_lamp_breaks_or_is_mended(
        self, *, wire_cut: bool, tied_high: bool, covered: bool
    ) -> None:
        self.bulb.wire_cut, self.bulb.tied_high = wire_cut, tied_high
        self.bulb.covered = covered

    @rule(request=st.sampled_from(list(Request)))
    def watch_says_something_out_of_turn(self, request: Request) -> None:
        if self.holder is not None:
            self.holder.say(request)

    @precondition(lambda self: not (self.bulb.wire_cut or self.bulb.tied_high or self.bulb.covered))
    @precondition(
        lambda self: self.guard is not None and self.guard.interlock.state is not State.FAULT
    )
    @rule()
    def a_sound_camera_looks_within_four_seconds(self) -> None:
        self.supervised = True
        before = TALLY.looks
        self.pass_time(4.0)
        assert TALLY.looks > before

    @invariant()
    def a_step_is_counted(self) -> None:
        TALLY.steps += 1


@contextmanager
def tallied() -> Iterator[Tally]:
    """Count anew."""
    TALLY.steps, TALLY.looks, TALLY.oldest_ms = 0, 0, 0.0
    yield TALLY


def main(steps: int) -> int:
    """Run so many steps at least; print what they came to."""
    with tallied() as tally:
        while tally.steps < steps:
            run_state_machine_as_test(
                LitMachine,
                settings=settings(
                    max_examples=50,
                    stateful_step_count=50,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
    print(  # noqa: T201  # What the long form is for.
        f"{tally.steps} steps, {tally.looks} looks, the oldest light at any look "
        f"{tally.oldest_ms:.0f} ms (at most {LEASE_S * 1000:.0f})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
