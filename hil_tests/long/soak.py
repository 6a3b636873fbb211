"""`make long-soak`: a random fault each second in which the camera looks; each look must be lit.

The faults hit lamp, guard, watch, nets' runtime and processor. They are drawn from a seed, which is
printed. The rig repairs and restarts as a supervisor and an operator would. The verdict comes from
outside, from edges of lamp current and inference markers.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from formats.ledger import Program
from hil_tests.rig.contract import InferenceFault, LampDefect, Rig
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.judgement import EARLY_MS, Verdict, judge
from hil_tests.rig.site_maker import list_person, make_site, publish_list
from hil_tests.scenes.portraits import Person, portrait

TURN_S: Final = 1.0
"""Between two faults."""
FAULT_S: Final = 0.3
"""How long a lamp stays broken, or a program frozen."""
RESTARTED_S: Final = 60.0
"""Longest wait for the camera to look again, on a busy machine."""


def soak(rig: Rig, seconds: float, seed: int, tell: Callable[[str], None]) -> Verdict:
    """Inject one fault a second for so long; return the verdict over all looks."""
    random, struck = np.random.default_rng(seed), dict.fromkeys(FAULTS, 0)
    rig.start()
    until_s = told_s = time.monotonic() + seconds
    told_s -= seconds
    while (now_s := time.monotonic()) < until_s:
        name = str(random.choice(list(FAULTS)))
        FAULTS[name](rig)
        struck[name] += 1
        rig.set_lamp_defect(None)
        _await_looks(rig)
        if now_s - told_s > 10 * TURN_S:
            told_s = now_s
            tell(f"{until_s - now_s:4.0f} s left, {len(rig.looks())} looks")
        time.sleep(max(0.0, now_s + TURN_S - time.monotonic()))
    tell(", ".join(f"{name} {count}" for name, count in struck.items()))
    return judge(rig.lamp_current(), rig.looks())


def _await_looks(rig: Rig) -> None:
    """Restart what ended until the camera looks again: a fault counts only while it looks."""
    seen = len(rig.looks())

    def looked() -> bool:
        _supervise(rig)
        return len(rig.looks()) > seen

    rig.wait_until(looked, within_s=RESTARTED_S)


def _break_lamp(defect: LampDefect) -> Callable[[Rig], None]:
    def strike(rig: Rig) -> None:
        rig.set_lamp_defect(defect)
        time.sleep(FAULT_S)

    return strike


def _freeze(program: Program) -> Callable[[Rig], None]:
    def strike(rig: Rig) -> None:
        rig.send_signal(program, signal.SIGSTOP)
        time.sleep(FAULT_S)
        rig.send_signal(program, signal.SIGCONT)

    return strike


def _busy(rig: Rig) -> None:
    rig.load_processor(6)
    time.sleep(TURN_S)
    rig.load_processor(0)


FAULTS: Final[dict[str, Callable[[Rig], None]]] = {
    "lamp open": _break_lamp(LampDefect.OPEN_CIRCUIT),
    "lamp stuck on": _break_lamp(LampDefect.STUCK_ON),
    "sense tied high": _break_lamp(LampDefect.SENSE_STUCK_HIGH),
    "guard killed": lambda rig: rig.send_signal(Program.LAMPGUARD, signal.SIGKILL),
    "guard frozen": _freeze(Program.LAMPGUARD),
    "watch killed": lambda rig: rig.send_signal(Program.WATCH, signal.SIGKILL),
    "watch frozen": _freeze(Program.WATCH),
    "runtime aborts": lambda rig: rig.inject_inference_fault(InferenceFault.ABORT),
    "processor busy": _busy,
    "nothing": lambda _: None,
}


def _supervise(rig: Rig) -> None:
    """Restart ended programs, as a supervisor would, and a guard in fault, as an operator would."""
    states = rig.lamp_states()
    if not rig.running(Program.LAMPGUARD) or (states and states[-1][0] == "fault"):
        rig.restart(Program.LAMPGUARD)
    if not rig.running(Program.WATCH):
        rig.restart(Program.WATCH)


def main() -> int:
    """Soak for as long as the command line says; return 0 if no look was outside the light."""
    parser = argparse.ArgumentParser(prog="make long-soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    chosen = parser.parse_args()
    print(
        f"Soaking for {chosen.seconds:.0f} s, a fault every second, seed {chosen.seed}", flush=True
    )
    with TemporaryDirectory() as folder:
        desk = DeskSite(Path(folder) / "desk", 1024)
        make_site(desk)
        list_person(desk, portrait(Person.HOPPER))
        publish_list(desk)
        with DeskRig(desk) as rig:
            verdict = soak(rig, chosen.seconds, chosen.seed, lambda line: print(line, flush=True))
        shutil.rmtree(desk.folder)
    print(verdict)
    held = verdict.outside == 0 and verdict.early_ms >= EARLY_MS
    print("The promise held." if held else "The promise did NOT hold.")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
