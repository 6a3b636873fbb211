"""A disk that takes nothing for five seconds, under the camera's real programs.

The library `disk.c` holds every fsync, fdatasync and rename of the programs that a test names.
"""

import signal
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from firmware.disk_writer import STALLED_S
from firmware.guard.lampguard import DISK_STALLED
from formats.ledger import Program
from hil_tests.rig.contract import Feature
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk.site_maker import DeskSite, list_person, make_site, publish_list
from hil_tests.rig.judgement import EARLY_MS, judge
from hil_tests.scenes.portraits import Person, portrait

pytestmark = [pytest.mark.hil, pytest.mark.alone, pytest.mark.timeout(180)]

HELD_S = 5.0
AGAIN_S = 5.0
"""Longest time from the end of the stall until the camera looks again."""
ENDED_S = 2.0
"""A program ends so soon after SIGTERM."""
WATCH, GUARD = Program.WATCH, Program.LAMPGUARD


@pytest.fixture
def rig(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DeskRig]:
    """A camera in front of somebody who is listed, dark."""
    desk = DeskSite(tmp_path / "desk", 1)
    make_site(desk)
    list_person(desk, portrait(Person.HOPPER))
    publish_list(desk)
    with DeskRig(desk) as rig:
        for marker in request.node.iter_markers("needs"):
            if marker.args[0] not in rig.features:
                pytest.skip(f"this rig cannot do that: {marker.args[0]}")
        yield rig


def looks_again(rig: DeskRig) -> float:
    """Return how long it took until watch looked again, started anew whenever it had ended."""
    seen = len(rig.looks())

    def looked() -> bool:
        if not rig.running(WATCH):
            rig.restart(WATCH)
        return len(rig.looks()) > seen

    return rig.until(looked)


def looks_while_held(rig: DeskRig, held: Collection[Program]) -> list[float]:
    """Hold the disk for five seconds from now on; return when looks began, in seconds."""
    began_ns = time.monotonic_ns()
    rig.disk(held)
    time.sleep(HELD_S)
    looks = [(look.begin_ns - began_ns) / 1e9 for look in rig.looks()]
    rig.disk(())
    return [look_s for look_s in looks if look_s > 0]


def goes_on(rig: DeskRig) -> None:
    """The camera looks again in time, each event is there once, and every look was in light."""
    again_s = looks_again(rig)
    verdict = judge(rig.current(), rig.looks())
    print(f"\n  looked again {again_s:.1f} s after the stall\n  {verdict}\n  {rig.faults(WATCH)}")
    assert verdict.outside == 0
    assert verdict.early_ms >= EARLY_MS
    assert again_s <= AGAIN_S
    assert len(set(rig.sealed())) == len(rig.sealed()) >= 1


@pytest.mark.needs(Feature.DISK)
@pytest.mark.parametrize("held", [{WATCH}, {WATCH, GUARD}], ids=["watch", "both"])
def test_watch_looks_on_until_a_record_is_late_and_again_after_the_stall(
    rig: DeskRig, held: set[Program]
) -> None:
    rig.start()
    looks_s = looks_while_held(rig, held)
    print(f"\n  looked on for {max(looks_s):.1f} s of a stall of {HELD_S:.0f} s")
    # The first record comes with the first event, less than a second after the first look.
    assert 1.0 <= max(looks_s) <= STALLED_S + 1.5
    goes_on(rig)
    assert rig.faults(WATCH)[-1] == "DiskStalled"


@pytest.mark.needs(Feature.DISK)
def test_the_guard_grants_while_its_disk_hangs_and_ends_the_light_when_a_record_is_late(
    rig: DeskRig,
) -> None:
    rig.restart(GUARD)
    rig.disk({GUARD})
    rig.restart(WATCH)
    waited_s = rig.until(rig.looks)  # No record of this light is on the guard's disk.
    began_s = time.monotonic()
    rig.until(lambda: rig.faults(WATCH) == ["DiskStalled"], within_s=STALLED_S + 3)
    print(f"\n  light {waited_s:.1f} s after the start, for {time.monotonic() - began_s:.1f} s")
    time.sleep(max(0.0, HELD_S - (time.monotonic() - began_s)))
    assert rig.running(WATCH), "It waits in the dark, and asks again and again."
    rig.disk(())
    goes_on(rig)
    assert ("hold", DISK_STALLED) in rig.states()
    assert "fault" not in [state for state, _ in rig.states()]


@pytest.mark.needs(Feature.DISK)
def test_both_programs_end_within_two_seconds_while_their_disk_hangs(rig: DeskRig) -> None:
    rig.start()
    rig.disk({WATCH, GUARD})
    time.sleep(1.5)  # An event is made and waits.
    for program in (WATCH, GUARD):
        rig.signal(program, signal.SIGTERM)
        ended_s = rig.until(lambda program=program: not rig.running(program))  # type: ignore[misc]
        print(f"\n  {program} ended after {ended_s:.1f} s")
        assert ended_s <= ENDED_S + 0.5, "Half a second for the process to go."
        assert "check the card" in rig.said(program)
    assert not rig.light()[-1].high
