"""Lamp light and looks when a part breaks: measured from outside, on any rig.

`make hil` runs these tests and prints what each measured. A rig that cannot do what a test needs
skips the test with a reason.
"""

import signal
import time

import pytest

from formats.ledger import Program
from hil_tests.rig.contract import Feature, InferenceFault, LampDefect, Look, Rig, Scene
from hil_tests.rig.judgement import EARLY_MS, LATE_MS, judge

pytestmark = [pytest.mark.hil, pytest.mark.alone, pytest.mark.timeout(180)]

LONGER_SENSE_STUCK_HIGH = pytest.param(LampDefect.SENSE_STUCK_HIGH, marks=pytest.mark.long)
LONGER_STOP = pytest.param(signal.SIGSTOP, marks=pytest.mark.long)

OFF_S = (2.0, 3.0)
"""The lamp goes out this long after the last look (docs/design.md, P1)."""
DAY_S = 86400
TAPE_MS = 5000
"""Longest time that the camera looks under tape (docs/lamp.md)."""


def looks_again_and_again(rig: Rig, more: int = 5) -> None:
    """Wait for more looks; restart watch if it lost its lease on a busy machine."""
    seen = len(rig.looks())

    def looked() -> bool:
        if not rig.running(Program.WATCH):
            rig.restart(Program.WATCH)
        return len(rig.looks()) >= seen + more

    rig.wait_until(looked)


def last_begin_ms(rig: Rig, since_ns: int) -> float:
    """Return how long after a moment the last look began; negative: before it."""
    return (max(look.begin_ns for look in rig.looks()) - since_ns) / 1e6


def reaches(rig: Rig, state: str, reason: str) -> None:
    """Wait for the guard's record of a state; the lamp changes before the disk has it."""
    rig.wait_until(lambda: rig.lamp_states()[-1:] == [(state, reason)])


def all_in_light(rig: Rig) -> None:
    verdict = judge(rig.lamp_current(), rig.looks())
    print(f"  {verdict}")
    assert verdict.outside == 0
    assert verdict.early_ms >= EARLY_MS


def goes_dark_after(rig: Rig, last: Look) -> None:
    """Assert that the lamp goes out in the promised time after the last look."""
    rig.wait_until(lambda: not rig.lamp_light()[-1].high)
    off_s = (rig.lamp_light()[-1].at_ns - last.end_ns) / 1e9
    print(f"  lamp off {off_s:.2f} s after the last look ({OFF_S[0]:.1f} to {OFF_S[1]:.1f} s)")
    assert OFF_S[0] <= off_s <= OFF_S[1]


@pytest.mark.needs(Feature.SIGNALS)
def test_light_comes_first_and_stays_until_after_the_last_look(rig: Rig) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.send_signal(Program.WATCH, signal.SIGTERM)
    rig.wait_until(lambda: not rig.running(Program.WATCH))
    all_in_light(rig)
    goes_dark_after(rig, rig.looks()[-1])


@pytest.mark.needs(Feature.LAMP_DEFECTS)
def test_a_lamp_that_dies_ends_the_looking(rig: Rig) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.set_lamp_defect(LampDefect.OPEN_CIRCUIT)
    lost_ns = rig.lamp_current()[-1].at_ns
    rig.wait_until(lambda: not rig.running(Program.WATCH))
    print(f"\n  last look began {last_begin_ms(rig, lost_ns):.0f} ms after the lamp died")
    assert last_begin_ms(rig, lost_ns) <= LATE_MS
    reaches(rig, "fault", "light lost")
    assert rig.faults(Program.WATCH)[-1] == "LampDark"
    all_in_light(rig)


@pytest.mark.needs(Feature.LAMP_DEFECTS)
@pytest.mark.parametrize("defect", [LampDefect.STUCK_ON, LONGER_SENSE_STUCK_HIGH])
def test_current_that_is_sensed_while_the_lamp_is_off_is_a_fault(
    rig: Rig, defect: LampDefect
) -> None:
    rig.restart(Program.LAMPGUARD)
    rig.set_lamp_defect(defect)
    began_ns = time.monotonic_ns()
    rig.wait_until(lambda: rig.lamp_states()[-1][0] == "fault")
    print(f"\n  found {(time.monotonic_ns() - began_ns) / 1e6:.0f} ms after the lamp had: {defect}")
    assert rig.lamp_states()[-1] == ("fault", "sense high while off")
    rig.restart(Program.WATCH)
    rig.wait_until(lambda: not rig.running(Program.WATCH))
    assert rig.looks() == ()


@pytest.mark.needs(Feature.LAMP_DEFECTS)
@pytest.mark.parametrize(
    ("defect", "reason"),
    [
        (LampDefect.OPEN_CIRCUIT, "no light in the test"),
        (LampDefect.STUCK_ON, "sense high in the test"),
        pytest.param(LampDefect.SENSE_STUCK_HIGH, "sense high in the test", marks=pytest.mark.long),
    ],
)
def test_the_self_test_finds_a_lamp_that_is_wrong_from_the_start(
    rig: Rig, defect: LampDefect, reason: str
) -> None:
    rig.set_lamp_defect(defect)
    rig.start()
    reaches(rig, "fault", reason)
    assert rig.looks() == ()
    assert rig.faults(Program.WATCH)[-1] == "LampDark"


@pytest.mark.needs(Feature.LAMP_DEFECTS)
def test_tape_over_the_lamp_ends_the_looking(rig: Rig) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.set_lamp_defect(LampDefect.COVERED)
    taped_ns = time.monotonic_ns()
    rig.wait_until(lambda: ("fault", "light covered") in rig.lamp_states())
    print(f"\n  last look began {last_begin_ms(rig, taped_ns) / 1000:.2f} s after the tape")
    assert last_begin_ms(rig, taped_ns) <= TAPE_MS
    all_in_light(rig)


@pytest.mark.needs(Feature.SIGNALS)
@pytest.mark.parametrize("number", [signal.SIGKILL, LONGER_STOP])
def test_without_its_guard_nobody_looks(rig: Rig, number: signal.Signals) -> None:
    rig.start()
    looks_again_and_again(rig)
    struck_ns = time.monotonic_ns()
    rig.send_signal(Program.LAMPGUARD, number)
    rig.wait_until(lambda: not rig.running(Program.WATCH))
    print(f"\n  last look began {last_begin_ms(rig, struck_ns):.0f} ms after {number.name}")
    assert last_begin_ms(rig, struck_ns) <= LATE_MS
    rig.restart(Program.LAMPGUARD)
    assert not rig.lamp_light()[-1].high
    reaches(rig, "off", "test passed")


@pytest.mark.needs(Feature.SIGNALS)
@pytest.mark.parametrize("number", [signal.SIGKILL, LONGER_STOP])
def test_a_watch_that_is_gone_leaves_the_lamp_on_for_a_while(
    rig: Rig, number: signal.Signals
) -> None:
    rig.start()
    looks_again_and_again(rig)
    struck_ns = time.monotonic_ns()
    rig.send_signal(Program.WATCH, number)
    rig.wait_until(lambda: not rig.lamp_light()[-1].high)
    off_s = (rig.lamp_light()[-1].at_ns - struck_ns) / 1e9
    print(f"\n  lamp off {off_s:.2f} s after {number.name}")
    assert OFF_S[0] <= off_s <= OFF_S[1]
    reaches(rig, "off", "held")


@pytest.mark.needs(Feature.INFERENCE_FAULTS)
def test_a_runtime_that_aborts_takes_watch_with_it_and_nothing_else(rig: Rig) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.inject_inference_fault(InferenceFault.ABORT)
    rig.wait_until(lambda: not rig.running(Program.WATCH))
    assert rig.exit_status(Program.WATCH) == -signal.SIGABRT
    goes_dark_after(rig, rig.looks()[-1])
    assert rig.running(Program.LAMPGUARD)
    rig.restart(Program.WATCH)
    looks_again_and_again(rig)
    all_in_light(rig)


@pytest.mark.needs(Feature.INFERENCE_FAULTS)
@pytest.mark.long
def test_a_runtime_that_hangs_is_left_in_the_dark(rig: Rig) -> None:
    rig.start()
    looks_again_and_again(rig)
    last = len(rig.looks())
    rig.inject_inference_fault(InferenceFault.HANG)
    rig.wait_until(lambda: not rig.lamp_light()[-1].high)
    reaches(rig, "off", "held")
    assert ("hold", "holder silent") in rig.lamp_states()
    assert len(rig.looks()) <= last + 2
    all_in_light(rig)


@pytest.mark.needs(Feature.SCENES)
def test_a_camera_that_stalls_has_a_name_and_a_dark_lamp(rig: Rig) -> None:
    rig.start(Scene.STALL)
    ended_s = rig.wait_until(lambda: not rig.running(Program.WATCH))
    print(f"\n  ended {ended_s:.1f} s later")
    assert rig.faults(Program.WATCH)[-1] == "CameraStalled"
    assert "check its cable" in rig.log(Program.WATCH)
    rig.wait_until(lambda: not rig.lamp_light()[-1].high)
    all_in_light(rig)


@pytest.mark.needs(Feature.SCENES)
@pytest.mark.long
def test_a_street_in_infrared_light_is_not_looked_at(rig: Rig) -> None:
    rig.start(Scene.INFRARED)
    rig.wait_until(lambda: not rig.running(Program.WATCH))
    assert rig.faults(Program.WATCH) == ["PictureGrey"]
    assert rig.looks() == ()
    rig.wait_until(lambda: not rig.lamp_light()[-1].high)


@pytest.mark.needs(Feature.CLOCK)
@pytest.mark.parametrize("by_s", [3600, -3600])
@pytest.mark.long
def test_a_clock_that_jumps_an_hour_moves_no_light(rig: Rig, by_s: int) -> None:
    rig.start()
    looks_again_and_again(rig)
    states = rig.lamp_states()
    rig.shift_clock(by_s)
    time.sleep(1.0)
    assert [state for state in rig.lamp_states()[len(states) :] if state[0] == "fault"] == []
    rig.send_signal(Program.WATCH, signal.SIGTERM)
    rig.wait_until(lambda: not rig.lamp_light()[-1].high)
    all_in_light(rig)


@pytest.mark.needs(Feature.CLOCK)
@pytest.mark.parametrize("by_s", [9 * DAY_S, pytest.param(-9 * DAY_S, marks=pytest.mark.long)])
def test_a_clock_that_leaves_the_lists_days_ends_the_looking(rig: Rig, by_s: int) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.shift_clock(by_s)
    ended_s = rig.wait_until(lambda: not rig.running(Program.WATCH))
    print(f"\n  ended {ended_s:.1f} s after the clock jumped by {by_s // DAY_S} days")
    expected = "ListRefused" if by_s > 0 else "ClockUntrusted"
    assert rig.faults(Program.WATCH)[-1] == expected
    all_in_light(rig)


@pytest.mark.needs(Feature.LOAD)
@pytest.mark.long
def test_six_busy_neighbours_do_not_let_anybody_look_in_the_dark(rig: Rig) -> None:
    rig.start()
    rig.load_processor(6)
    looks_again_and_again(rig, 20)
    rig.set_lamp_defect(LampDefect.OPEN_CIRCUIT)
    lost_ns = rig.lamp_current()[-1].at_ns
    rig.wait_until(lambda: not rig.running(Program.WATCH))
    rig.load_processor(0)
    print(f"\n  last look began {last_begin_ms(rig, lost_ns):.0f} ms after the lamp died")
    assert last_begin_ms(rig, lost_ns) <= LATE_MS
    all_in_light(rig)


@pytest.mark.needs(Feature.POWER)
@pytest.mark.long
def test_a_power_cut_ends_the_light_and_power_brings_it_back(rig: Rig) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.set_power(on=False)
    assert not rig.lamp_light()[-1].high
    looked = len(rig.looks())
    began_s = time.monotonic()
    rig.set_power(on=True)
    rig.wait_until(lambda: len(rig.looks()) > looked)
    print(f"\n  looking again {time.monotonic() - began_s:.1f} s after power came back")
    all_in_light(rig)
