"""A lamp under tape: the photodiode sees no light, and the interlock finds a fault."""

import pytest

from firmware.guard.interlock import COVERED_S, HOLD_S, RECOVER_S, State
from firmware.tests.interlock_rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def covered(rig: Rig, *, tape: bool) -> Rig:
    rig.bulb.covered = tape
    return rig


def test_light_that_does_not_get_out_for_three_seconds_is_a_fault(rig: Rig) -> None:
    covered(rig, tape=False).lit().beat(5.0)
    assert rig.state is State.ON
    covered(rig, tape=True).beat(COVERED_S - 0.1)
    assert rig.state is State.ON
    rig.beat(0.2)
    assert (rig.state, rig.changes[-1].reason) == (State.FAULT, "light covered")
    assert not rig.bulb.driven


def test_a_hand_that_passes_over_the_lamp_is_no_fault(rig: Rig) -> None:
    covered(rig, tape=False).lit()
    for _ in range(10):
        covered(rig, tape=True).beat(1.0)
        covered(rig, tape=False).beat(0.1)
    assert rig.state is State.ON


def test_short_looks_under_tape_add_up(rig: Rig) -> None:
    covered(rig, tape=True).lit()
    for _ in range(10):
        rig.interlock.stop("holder stopped")
        rig.run(HOLD_S + 0.1)
        rig.interlock.ask()
        rig.run(0.15)
    assert "light covered" in [change.reason for change in rig.changes]


def test_tape_that_is_still_there_is_found_before_the_next_look(rig: Rig) -> None:
    covered(rig, tape=True).lit().beat(COVERED_S)
    rig.run(RECOVER_S + 0.5)
    told = [(change.before, change.after, change.reason) for change in rig.changes[-2:]]
    assert told == [
        (State.FAULT, State.BOOT, "self-recovery"),
        (State.BOOT, State.FAULT, "light covered"),
    ]


def test_without_tape_the_lamp_recovers(rig: Rig) -> None:
    covered(rig, tape=True).lit().beat(COVERED_S)
    covered(rig, tape=False).run(RECOVER_S + 0.5)
    assert (rig.state, rig.changes[-1].reason) == (State.OFF, "test passed")


def test_a_guard_that_was_kept_waiting_does_not_take_that_for_tape(rig: Rig) -> None:
    covered(rig, tape=True).lit()
    rig.step(60.0)
    assert "light covered" not in [change.reason for change in rig.changes]


def test_a_camera_without_a_photodiode_finds_no_fault_with_its_light(rig: Rig) -> None:
    rig.lit().beat(2 * COVERED_S)
    assert rig.state is State.ON
