"""A disk that stalls for five seconds, under the camera's real programs.

The rig stalls every fsync, fdatasync and rename of the programs that a test names.
"""

import signal
import time
from collections.abc import Collection

import pytest

from firmware.disk_writer import STALLED_S
from firmware.guard.leases import DISK_STALLED
from formats.ledger import Program
from hil_tests.rig.contract import Feature, Rig
from hil_tests.rig.judgement import EARLY_MS, judge

pytestmark = [pytest.mark.hil, pytest.mark.alone, pytest.mark.timeout(180)]

HELD_S = 5.0
AGAIN_S = 5.0
"""Longest time from the end of the stall until the camera looks again."""
ENDED_S = 2.0
"""Longest time from SIGTERM to the end of a program."""
WATCH, GUARD = Program.WATCH, Program.LAMPGUARD


def looks_again(rig: Rig) -> float:
    """Return how long it took until watch looked again; restart watch when it has ended."""
    seen = len(rig.looks())

    def looked() -> bool:
        if not rig.running(WATCH):
            rig.restart(WATCH)
        return len(rig.looks()) > seen

    return rig.wait_until(looked)


def looks_while_stalled(rig: Rig, held: Collection[Program]) -> list[float]:
    """Stall the disk for five seconds from now on; return when looks began, in seconds."""
    began_ns = time.monotonic_ns()
    rig.stall_disk(held)
    time.sleep(HELD_S)
    looks = [(look.begin_ns - began_ns) / 1e9 for look in rig.looks()]
    rig.stall_disk(())
    return [look_s for look_s in looks if look_s > 0]


def goes_on(rig: Rig) -> None:
    """Assert that the camera looks again in time, with each event once and each look in light."""
    again_s = looks_again(rig)
    verdict = judge(rig.lamp_current(), rig.looks())
    print(f"\n  looked again {again_s:.1f} s after the stall\n  {verdict}\n  {rig.faults(WATCH)}")
    assert verdict.outside == 0
    assert verdict.early_ms >= EARLY_MS
    assert again_s <= AGAIN_S
    rig.wait_until(rig.sealed_events)  # A look is no event yet: three of five must agree.
    assert len(set(rig.sealed_events())) == len(rig.sealed_events())


@pytest.mark.needs(Feature.DISK)
@pytest.mark.needs(Feature.SCENES)
@pytest.mark.parametrize(
    "held",
    [{WATCH}, pytest.param({WATCH, GUARD}, marks=pytest.mark.long)],
    ids=["watch", "both"],
)
def test_watch_looks_on_until_a_record_is_late_and_again_after_the_stall(
    rig: Rig, held: set[Program]
) -> None:
    rig.start()
    looks_s = looks_while_stalled(rig, held)
    print(f"\n  looked on for {max(looks_s):.1f} s of a stall of {HELD_S:.0f} s")
    # The first record comes with the first event, less than a second after the first look.
    assert 1.0 <= max(looks_s) <= STALLED_S + 1.5
    goes_on(rig)
    assert rig.faults(WATCH)[-1] == "DiskStalled"


@pytest.mark.needs(Feature.DISK)
@pytest.mark.needs(Feature.SCENES)
def test_the_guard_grants_while_its_disk_hangs_and_ends_the_light_when_a_record_is_late(
    rig: Rig,
) -> None:
    rig.restart(GUARD)
    rig.stall_disk({GUARD})
    rig.restart(WATCH)
    waited_s = rig.wait_until(rig.looks)  # No record of this light is on the guard's disk.
    began_s = time.monotonic()
    rig.wait_until(lambda: rig.faults(WATCH) == ["DiskStalled"], within_s=STALLED_S + 3)
    print(f"\n  light {waited_s:.1f} s after the start, for {time.monotonic() - began_s:.1f} s")
    time.sleep(max(0.0, HELD_S - (time.monotonic() - began_s)))
    assert rig.running(WATCH), "It waits in the dark, and asks again and again."
    rig.stall_disk(())
    goes_on(rig)
    rig.wait_until(lambda: ("hold", DISK_STALLED) in rig.lamp_states())
    assert "fault" not in [state for state, _ in rig.lamp_states()]


@pytest.mark.needs(Feature.DISK)
@pytest.mark.needs(Feature.SIGNALS)
@pytest.mark.needs(Feature.SCENES)
def test_both_programs_end_within_two_seconds_while_their_disk_hangs(rig: Rig) -> None:
    rig.start()
    rig.stall_disk({WATCH, GUARD})
    time.sleep(1.5)  # An event is made and waits.
    for program in (WATCH, GUARD):
        rig.send_signal(program, signal.SIGTERM)
        ended_s = rig.wait_until(lambda program=program: not rig.running(program))  # type: ignore[misc]
        print(f"\n  {program} ended after {ended_s:.1f} s")
        assert ended_s <= ENDED_S + 0.5, "Half a second for the process to go."
        assert "check the card" in rig.log(program)
    assert not rig.lamp_light()[-1].high
