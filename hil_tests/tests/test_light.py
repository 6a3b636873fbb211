"""What happens to light and looking when things break: measured from outside, on any rig.

`make hil` runs these and prints what each measured. A rig that cannot do what a test needs skips it
and says so.
"""

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.ledger import Program
from hil_tests.rig.contract import Feature, Look, Rig, Scene, Wrong
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk.site_maker import DeskSite, list_person, make_site, publish_list
from hil_tests.rig.judgement import EARLY_MS, LATE_MS, judge
from hil_tests.scenes.portraits import Person, portrait

pytestmark = [pytest.mark.hil, pytest.mark.alone, pytest.mark.timeout(180)]

OFF_S = (2.0, 3.0)
"""The lamp goes out this long after the last look (docs/design.md, P1)."""
DAY_S = 86400
TAPE_MS = 5000
"""Nobody looks for longer under tape (docs/lamp.md)."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DeskSite:
    """A site with a published list of one person."""
    desk = DeskSite(tmp_path_factory.mktemp("site") / "desk", 1)
    make_site(desk)
    list_person(desk, portrait(Person.HOPPER))
    publish_list(desk)
    return desk


@pytest.fixture
def rig(made: DeskSite, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DeskRig]:
    """A camera of that site, dark."""
    desk = DeskSite(tmp_path / "desk", 1)
    shutil.copytree(made.folder, desk.folder)
    config = desk.camera_config.read_text().replace(str(made.folder), str(desk.folder))
    desk.camera_config.write_text(config)
    with DeskRig(desk) as rig:
        for marker in request.node.iter_markers("needs"):
            if marker.args[0] not in rig.features:
                pytest.skip(f"this rig cannot do that: {marker.args[0]}")
        yield rig


def looks_again_and_again(rig: DeskRig, more: int = 5) -> None:
    """Wait until there were more looks; a busy machine may cost watch its lease in between."""
    seen = len(rig.looks())

    def looked() -> bool:
        if not rig.running(Program.WATCH):
            rig.restart(Program.WATCH)
        return len(rig.looks()) >= seen + more

    rig.until(looked)


def last_begin_ms(rig: Rig, since_ns: int) -> float:
    """How long after a moment the last look began; negative when that was before."""
    return (max(look.begin_ns for look in rig.looks()) - since_ns) / 1e6


def all_in_light(rig: Rig) -> None:
    verdict = judge(rig.current(), rig.looks())
    print(f"  {verdict}")
    assert verdict.outside == 0
    assert verdict.early_ms >= EARLY_MS


def goes_dark_after(rig: DeskRig, last: Look) -> None:
    """The lamp goes out in the time that is promised after the last look."""
    rig.until(lambda: not rig.light()[-1].high)
    off_s = (rig.light()[-1].at_ns - last.end_ns) / 1e9
    print(f"  lamp off {off_s:.2f} s after the last look ({OFF_S[0]:.1f} to {OFF_S[1]:.1f} s)")
    assert OFF_S[0] <= off_s <= OFF_S[1]


def test_light_comes_first_and_stays_until_after_the_last_look(rig: DeskRig) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.signal(Program.WATCH, signal.SIGTERM)
    rig.until(lambda: not rig.running(Program.WATCH))
    all_in_light(rig)
    goes_dark_after(rig, rig.looks()[-1])


@pytest.mark.needs(Feature.LAMP_FAULTS)
def test_a_lamp_that_dies_ends_the_looking(rig: DeskRig) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.lamp(Wrong.OPEN)
    lost_ns = rig.current()[-1].at_ns
    rig.until(lambda: not rig.running(Program.WATCH))
    print(f"\n  last look began {last_begin_ms(rig, lost_ns):.0f} ms after the lamp died")
    assert last_begin_ms(rig, lost_ns) <= LATE_MS
    assert rig.states()[-1] == ("fault", "light lost")
    assert rig.faults(Program.WATCH)[-1] == "LampDark"
    all_in_light(rig)


@pytest.mark.needs(Feature.LAMP_FAULTS)
@pytest.mark.parametrize("wrong", [Wrong.STUCK_ON, Wrong.TIED_HIGH])
def test_current_that_is_sensed_while_the_lamp_is_off_is_a_fault(
    rig: DeskRig, wrong: Wrong
) -> None:
    rig.restart(Program.LAMPGUARD)
    rig.lamp(wrong)
    began_ns = time.monotonic_ns()
    rig.until(lambda: rig.states()[-1][0] == "fault")
    print(f"\n  found {(time.monotonic_ns() - began_ns) / 1e6:.0f} ms after the lamp was {wrong}")
    assert rig.states()[-1] == ("fault", "sense high while off")
    rig.restart(Program.WATCH)
    rig.until(lambda: not rig.running(Program.WATCH))
    assert rig.looks() == ()


@pytest.mark.needs(Feature.LAMP_FAULTS)
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Wrong.OPEN, "no light in the test"),
        (Wrong.STUCK_ON, "sense high in the test"),
        (Wrong.TIED_HIGH, "sense high in the test"),
    ],
)
def test_the_self_test_finds_a_lamp_that_is_wrong_from_the_start(
    rig: DeskRig, wrong: Wrong, reason: str
) -> None:
    rig.lamp(wrong)
    rig.start()
    assert rig.states()[-1] == ("fault", reason)
    assert rig.looks() == ()
    assert rig.faults(Program.WATCH)[-1] == "LampDark"


@pytest.mark.needs(Feature.LAMP_FAULTS)
def test_tape_over_the_lamp_ends_the_looking(rig: DeskRig) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.lamp(Wrong.COVERED)
    taped_ns = time.monotonic_ns()
    rig.until(lambda: ("fault", "light covered") in rig.states())
    print(f"\n  last look began {last_begin_ms(rig, taped_ns) / 1000:.2f} s after the tape")
    assert last_begin_ms(rig, taped_ns) <= TAPE_MS
    all_in_light(rig)


@pytest.mark.needs(Feature.SIGNALS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_without_its_guard_nobody_looks(rig: DeskRig, number: signal.Signals) -> None:
    rig.start()
    looks_again_and_again(rig)
    struck_ns = time.monotonic_ns()
    rig.signal(Program.LAMPGUARD, number)
    rig.until(lambda: not rig.running(Program.WATCH))
    print(f"\n  last look began {last_begin_ms(rig, struck_ns):.0f} ms after {number.name}")
    assert last_begin_ms(rig, struck_ns) <= LATE_MS
    rig.restart(Program.LAMPGUARD)
    assert not rig.light()[-1].high
    assert rig.states()[-1] == ("off", "test passed")


@pytest.mark.needs(Feature.SIGNALS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_watch_that_is_gone_leaves_the_lamp_on_for_a_while(
    rig: DeskRig, number: signal.Signals
) -> None:
    rig.start()
    looks_again_and_again(rig)
    struck_ns = time.monotonic_ns()
    rig.signal(Program.WATCH, number)
    rig.until(lambda: not rig.light()[-1].high)
    off_s = (rig.light()[-1].at_ns - struck_ns) / 1e9
    print(f"\n  lamp off {off_s:.2f} s after {number.name}")
    assert OFF_S[0] <= off_s <= OFF_S[1]
    assert rig.states()[-1][0] == "off"


@pytest.mark.needs(Feature.NET_FAULTS)
def test_a_runtime_that_aborts_takes_watch_with_it_and_nothing_else(rig: DeskRig) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.break_nets("abort")
    rig.until(lambda: not rig.running(Program.WATCH))
    assert rig.ended(Program.WATCH) == -signal.SIGABRT
    goes_dark_after(rig, rig.looks()[-1])
    assert rig.running(Program.LAMPGUARD)
    rig.restart(Program.WATCH)
    looks_again_and_again(rig)
    all_in_light(rig)


@pytest.mark.needs(Feature.NET_FAULTS)
def test_a_runtime_that_hangs_is_left_in_the_dark(rig: DeskRig) -> None:
    rig.start()
    looks_again_and_again(rig)
    last = len(rig.looks())
    rig.break_nets("hang")
    rig.until(lambda: not rig.light()[-1].high)
    assert ("hold", "holder silent") in rig.states()
    assert rig.states()[-1] == ("off", "held")
    assert len(rig.looks()) <= last + 2
    all_in_light(rig)


def test_a_camera_that_stalls_has_a_name_and_a_dark_lamp(rig: DeskRig) -> None:
    rig.start(Scene.NO_FRAMES)
    ended_s = rig.until(lambda: not rig.running(Program.WATCH))
    print(f"\n  ended {ended_s:.1f} s later")
    assert rig.faults(Program.WATCH)[-1] == "CameraStalled"
    assert "check its cable" in rig.said(Program.WATCH)
    rig.until(lambda: not rig.light()[-1].high)
    all_in_light(rig)


def test_a_street_in_infrared_light_is_not_looked_at(rig: DeskRig) -> None:
    rig.start(Scene.GREY)
    rig.until(lambda: not rig.running(Program.WATCH))
    assert rig.faults(Program.WATCH) == ["PictureGrey"]
    assert rig.looks() == ()
    rig.until(lambda: not rig.light()[-1].high)


@pytest.mark.needs(Feature.CLOCK)
@pytest.mark.parametrize("by_s", [3600, -3600])
def test_a_clock_that_jumps_an_hour_moves_no_light(rig: DeskRig, by_s: int) -> None:
    rig.start()
    looks_again_and_again(rig)
    states = rig.states()
    rig.clock(by_s)
    time.sleep(1.0)
    assert [state for state in rig.states()[len(states) :] if state[0] == "fault"] == []
    rig.signal(Program.WATCH, signal.SIGTERM)
    rig.until(lambda: not rig.light()[-1].high)
    all_in_light(rig)


@pytest.mark.needs(Feature.CLOCK)
@pytest.mark.parametrize("by_s", [9 * DAY_S, -9 * DAY_S])
def test_a_clock_that_leaves_the_lists_days_ends_the_looking(rig: DeskRig, by_s: int) -> None:
    rig.start()
    looks_again_and_again(rig)
    rig.clock(by_s)
    ended_s = rig.until(lambda: not rig.running(Program.WATCH))
    print(f"\n  ended {ended_s:.1f} s after the clock jumped by {by_s // DAY_S} days")
    # Two guards look at the clock for every frame; which of them is first is chance.
    expected = {"ListRefused"} if by_s > 0 else {"ClockWentBack", "ClockUntrusted"}
    assert rig.faults(Program.WATCH)[-1] in expected
    all_in_light(rig)


@pytest.mark.needs(Feature.LOAD)
def test_six_busy_neighbours_do_not_let_anybody_look_in_the_dark(rig: DeskRig) -> None:
    rig.start()
    rig.load(6)
    looks_again_and_again(rig, 20)
    rig.lamp(Wrong.OPEN)
    lost_ns = rig.current()[-1].at_ns
    rig.until(lambda: not rig.running(Program.WATCH))
    rig.load(0)
    print(f"\n  last look began {last_begin_ms(rig, lost_ns):.0f} ms after the lamp died")
    assert last_begin_ms(rig, lost_ns) <= LATE_MS
    all_in_light(rig)
