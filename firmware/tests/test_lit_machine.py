"""The short form of the machine in lit_machine.py; `make long-lamp` runs the long one."""

import pytest

from firmware.hardware import lamp
from firmware.tests.lit_machine import Holder, LitMachine, case, tallied

TestLit = case()


def test_the_machine_sees_a_look_without_light(monkeypatch: pytest.MonkeyPatch) -> None:
    """The invariant can fail: a proof that never ends is found."""
    machine = LitMachine()
    try:
        machine.watch_is_started()
        machine.pass_time(1.0)
        monkeypatch.setattr(lamp.Lit, "check", lambda _: None)
        machine.the_guard_is_killed()
        machine.bulb.wire_cut = True
        with pytest.raises(AssertionError, match="ms after the light"):
            machine.pass_time(1.0)
    finally:
        machine.teardown()


def test_a_sound_camera_looks_in_fresh_light() -> None:
    machine = LitMachine()
    with tallied() as tally:
        machine.a_sound_camera_looks_within_four_seconds()
        machine.teardown()
        assert tally.looks > 100
        assert tally.oldest_ms <= 200


def test_a_guard_that_thaws_full_of_dead_callers_takes_the_next_at_once() -> None:
    """They are heard and forgotten one a tick: five wait at most, so 50 ms."""
    machine = LitMachine()
    machine.watch_is_started()
    for _ in range(4):
        machine.the_guard_is_frozen(3.0)
    machine.watch_is_stopped()
    with pytest.raises(BlockingIOError):
        Holder(machine.door)
    with tallied() as tally:
        machine.watch_is_started()
        machine.pass_time(0.5)
        machine.teardown()
        assert tally.looks > 0
