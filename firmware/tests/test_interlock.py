"""The table of docs/design.md, section 4, row by row. Time is passed in; nothing waits."""

from itertools import pairwise

import pytest

from firmware.guard.interlock import HOLD_S, RECOVER_S, State
from firmware.tests.interlock_rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_self_test_lights_the_lamp_then_darkens_it_then_passes(rig: Rig) -> None:
    rig.step()
    assert rig.bulb.driven
    rig.run(0.15)
    assert (rig.state, rig.bulb.driven) == (State.BOOT, False)
    rig.run(0.1)
    assert (rig.state, rig.changes[-1].reason) == (State.OFF, "test passed")


def test_no_lease_is_granted_before_the_test_has_passed(rig: Rig) -> None:
    rig.step()
    assert not rig.interlock.ask()
    assert (rig.state, rig.interlock.deadline_s()) == (State.BOOT, None)


def test_a_dead_lamp_fails_the_self_test(rig: Rig) -> None:
    rig.bulb.wire_cut = True
    rig.run(0.05)
    assert (rig.state, rig.changes[-1].reason) == (State.FAULT, "no light in the test")


def test_a_sense_line_stuck_high_fails_the_self_test(rig: Rig) -> None:
    rig.bulb.tied_high = True
    rig.run(0.15)
    assert (rig.state, rig.changes[-1].reason) == (State.FAULT, "sense high in the test")


def test_sense_may_take_20_ms_to_follow(rig: Rig) -> None:
    rig.step()
    rig.bulb.wire_cut = True
    rig.step()
    rig.bulb.wire_cut = False
    rig.run(0.25)
    assert rig.state is State.OFF


def test_sense_high_while_off_is_a_fault(rig: Rig) -> None:
    rig.run(0.3)
    rig.bulb.tied_high = True
    rig.step()
    assert (rig.state, rig.changes[-1].reason) == (State.FAULT, "sense high while off")


def test_asking_lights_the_lamp_but_grants_nothing_yet(rig: Rig) -> None:
    rig.armed().step()
    assert (rig.state, rig.bulb.driven) == (State.ARMING, True)
    assert rig.interlock.deadline_s() is None


def test_the_lamp_is_lit_for_60_ms_before_the_first_lease(rig: Rig) -> None:
    rig.armed().step()
    lit_s = rig.now_s
    while rig.state is State.ARMING:
        rig.step()
    assert rig.now_s - lit_s >= 0.06
    assert rig.state is State.ON


def test_a_flicker_while_arming_starts_the_60_ms_anew(rig: Rig) -> None:
    rig.armed().run(0.05)
    rig.bulb.wire_cut = True
    rig.run(0.02)
    rig.bulb.wire_cut = False
    rig.run(0.05)
    assert rig.state is State.ARMING


def test_arming_for_200_ms_without_light_is_a_fault(rig: Rig) -> None:
    rig.armed().bulb.wire_cut = True
    rig.run(0.19)
    assert rig.state is State.ARMING
    rig.run(0.03)
    assert (rig.state, rig.changes[-1].reason) == (State.FAULT, "no light when armed")


def test_a_lease_ends_200_ms_after_light_was_sensed(rig: Rig) -> None:
    rig.lit()
    assert rig.interlock.deadline_s() == pytest.approx(rig.now_s + 0.2)


def test_light_lost_is_a_fault_at_once_and_ends_the_leases(rig: Rig) -> None:
    rig.lit().bulb.wire_cut = True
    rig.step()
    assert (rig.state, rig.changes[-1].reason) == (State.FAULT, "light lost")
    assert (rig.bulb.driven, rig.interlock.deadline_s()) == (False, None)


def test_a_holder_that_beats_keeps_its_light(rig: Rig) -> None:
    rig.lit().beat(5)
    assert rig.state is State.ON


def test_a_holder_silent_for_500_ms_is_put_on_hold(rig: Rig) -> None:
    rig.lit().run(0.45)
    assert rig.state is State.ON
    rig.run(0.1)
    assert (rig.state, rig.changes[-1].reason) == (State.HOLD, "holder silent")


def test_a_stopped_holder_gets_no_more_leases(rig: Rig) -> None:
    rig.lit().interlock.stop("holder stopped")
    assert (rig.state, rig.interlock.deadline_s()) == (State.HOLD, None)


def test_the_lamp_stays_on_2_s_after_the_last_lease_can_have_ended(rig: Rig) -> None:
    rig.lit().interlock.stop("holder stopped")
    rig.run(2.19)
    assert rig.bulb.driven
    rig.run(0.03)
    assert (rig.state, rig.bulb.driven) == (State.OFF, False)


def test_asking_during_hold_needs_60_ms_of_light_again(rig: Rig) -> None:
    rig.lit().interlock.stop("holder stopped")
    assert rig.interlock.ask()
    assert (rig.state, rig.interlock.deadline_s()) == (State.ARMING, None)


def test_light_lost_during_hold_is_a_fault(rig: Rig) -> None:
    rig.lit().interlock.stop("holder stopped")
    rig.bulb.wire_cut = True
    rig.step()
    assert (rig.state, rig.changes[-1].reason) == (State.FAULT, "light lost")


def test_a_fault_latches_and_grants_nothing(rig: Rig) -> None:
    rig.lit().bulb.wire_cut = True
    rig.step()
    rig.bulb.wire_cut = False
    rig.run(1)
    assert not rig.interlock.ask()
    assert (rig.state, rig.bulb.driven) == (State.FAULT, False)


def test_after_a_minute_the_lamp_recovers_by_itself(rig: Rig) -> None:
    rig.lit().bulb.wire_cut = True
    rig.step()
    rig.bulb.wire_cut = False
    rig.step(RECOVER_S)
    assert (rig.state, rig.changes[-1].reason) == (State.BOOT, "self-recovery")
    rig.run(0.3)
    assert rig.state is State.OFF


def test_the_lamp_does_not_recover_by_itself_while_its_ledger_takes_nothing(rig: Rig) -> None:
    rig.lit().bulb.wire_cut = True
    rig.step()
    rig.bulb.wire_cut = False
    rig.interlock.recorded = False
    rig.step(RECOVER_S)
    rig.run(0.3)
    in_doubt = rig.state
    rig.interlock.recorded = True
    rig.run(0.3)
    assert (in_doubt, rig.state) == (State.FAULT, State.OFF)


def test_three_self_recoveries_a_day_and_no_fourth(rig: Rig) -> None:
    rig.bulb.wire_cut = True
    rig.run(0.05)
    for _ in range(20):
        rig.step(RECOVER_S)
        rig.run(0.05)
    reasons = [change.reason for change in rig.changes]
    assert reasons.count("self-recovery") == 3
    assert rig.state is State.FAULT


def test_a_day_later_the_lamp_may_recover_again(rig: Rig) -> None:
    rig.bulb.wire_cut = True
    for _ in range(10):
        rig.step(RECOVER_S)
        rig.run(0.05)
    rig.step(24 * 3600)
    assert rig.changes[-1].reason == "self-recovery"


def test_a_holder_that_stops_before_the_lamp_was_driven_breaks_nothing(rig: Rig) -> None:
    rig.armed().interlock.stop("holder gone")
    rig.run(HOLD_S + 0.1)
    assert rig.state is State.OFF


@pytest.mark.parametrize("stall_s", [0.03, 0.13, 0.3, 5.0])
def test_a_guard_that_was_kept_waiting_finds_no_fault_in_its_test(rig: Rig, stall_s: float) -> None:
    for _ in range(40):
        rig.step(stall_s)
        rig.step()
    assert {change.after for change in rig.changes} == {State.OFF}


@pytest.mark.parametrize("stall_s", [0.03, 0.13, 0.3, 0.45])
def test_a_guard_that_was_kept_waiting_while_arming_finds_no_fault(
    rig: Rig, stall_s: float
) -> None:
    rig.armed()
    for _ in range(5):
        rig.step(stall_s)
    assert rig.state is State.ON


def test_a_stall_is_no_excuse_for_a_dead_lamp(rig: Rig) -> None:
    rig.armed().bulb.wire_cut = True
    rig.step(5.0)
    rig.step(5.0)
    assert rig.state is State.FAULT


def test_every_change_is_told_with_its_time(rig: Rig) -> None:
    rig.lit()
    told = [(change.before, change.after) for change in rig.changes]
    assert told == [
        (State.BOOT, State.OFF),
        (State.OFF, State.ARMING),
        (State.ARMING, State.ON),
    ]
    assert [change.at_s for change in rig.changes] == sorted(change.at_s for change in rig.changes)


def test_a_camera_that_is_located_blinks_twice_every_two_seconds_for_20_s(rig: Rig) -> None:
    rig.run(0.3)
    assert rig.interlock.locate()
    levels = [False, *(rig.blinked() for _ in range(2100))]
    assert [after for before, after in pairwise(levels) if after and not before] == [True] * 20
    assert [(one.before, one.after) for one in rig.changes[1:]] == [
        (State.OFF, State.LOCATING),
        (State.LOCATING, State.OFF),
    ]


def test_the_lamp_never_flashes_more_than_three_times_in_a_second(rig: Rig) -> None:
    rig.run(0.3)
    rig.interlock.locate()
    levels = [rig.blinked() for _ in range(600)]
    rises = [at for at in range(1, 600) if levels[at] and not levels[at - 1]]
    assert max(sum(at <= other < at + 100 for other in rises) for at in rises) <= 3


def test_to_be_located_the_light_of_a_look_ends_first(rig: Rig) -> None:
    rig.lit()
    assert rig.interlock.locate()
    assert (rig.state, rig.interlock.deadline_s()) == (State.HOLD, None)
    rig.run(HOLD_S + 0.05)
    assert rig.state is State.LOCATING


def test_no_light_is_granted_from_the_wish_until_the_lamp_has_stopped_to_blink(rig: Rig) -> None:
    rig.lit().interlock.locate()
    while rig.state is not State.OFF or rig.interlock.locating:
        assert not rig.interlock.ask()
        assert rig.interlock.deadline_s() is None
        rig.step()
    assert rig.interlock.ask()


def test_a_camera_is_not_located_twice_in_a_minute(rig: Rig) -> None:
    rig.run(0.3)
    rig.interlock.locate()
    rig.run(59.9)
    assert not rig.interlock.locate()
    rig.run(0.2)
    assert rig.interlock.locate()


def test_a_lamp_that_dies_while_it_blinks_is_a_fault(rig: Rig) -> None:
    rig.run(0.3)
    rig.interlock.locate()
    rig.run(0.1)
    rig.bulb.wire_cut = True
    rig.run(0.03)
    assert (rig.state, rig.changes[-1].reason) == (State.FAULT, "light lost")


def test_current_in_the_dark_of_a_blink_is_a_fault(rig: Rig) -> None:
    rig.run(0.3)
    rig.interlock.locate()
    rig.run(1.0)
    rig.bulb.tied_high = True
    rig.run(0.03)
    assert (rig.state, rig.changes[-1].reason) == (State.FAULT, "sense high while off")


def test_a_camera_whose_lamp_is_not_proven_does_not_blink(rig: Rig) -> None:
    rig.step()
    assert not rig.interlock.locate()
    rig.bulb.wire_cut = True
    rig.run(0.1)
    assert rig.state is State.FAULT
    assert not rig.interlock.locate()


def test_a_fault_ends_the_wish_to_be_located(rig: Rig) -> None:
    rig.lit().interlock.locate()
    rig.bulb.wire_cut = True
    rig.run(0.03)
    assert (rig.state, rig.interlock.locating) == (State.FAULT, False)


def test_a_guard_whose_ledger_takes_nothing_does_not_blink(rig: Rig) -> None:
    rig.run(0.3)
    rig.interlock.recorded = False
    assert not rig.interlock.locate()
