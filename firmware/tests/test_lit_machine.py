"""The machine of lit_machine.py, short and long; `make long-lamp` runs it as long as you like."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from firmware.hardware import lamp
from firmware.tests.lit_machine import Holder, LitMachine, tallied


@pytest.mark.timeout(600)  # To shrink a counterexample takes longer than any other test.
@pytest.mark.parametrize("lives", [50, pytest.param(1500, marks=pytest.mark.long)])
def test_a_look_in_any_life_of_a_camera_has_fresh_light(lives: int) -> None:
    run_state_machine_as_test(
        LitMachine, settings=settings(max_examples=lives, stateful_step_count=30, deadline=None)
    )


def test_the_machine_sees_a_look_without_light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show that the invariant can fail: a proof that never ends is found."""
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
