"""Time a camera in a quiet scene: CPU share of `watch` and `lampguard`, memory, start.

The programs are the desk rig's: the camera's own processes on simulated GPIO lines, at 10 frames a
second of an empty street. The share is CPU time of the process over wall time. The memory is the
process's proportional share (PSS), as `smaps_rollup` tells it. The start is the time from exec to
the first look, the best of some: it includes 60 ms in which the lamp proves its light. The programs
are compiled to bytecode before, as in the image of a camera.
"""

import os
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.cpu_time import Spread
from benchmarks.table import Column, Table, options
from formats.ledger import Program
from hil_tests.rig.contract import Scene
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import list_person, make_site, publish_list
from hil_tests.scenes.portraits import Person, portrait

SECONDS: Final = 20.0
SETTLE_S: Final = 3.0
"""From the first look until the measurement begins."""
STARTS: Final = 3
MIB: Final = 1024
"""kB in a MiB, as the kernel counts."""


@dataclass(frozen=True, slots=True)
class Idle:
    """What a camera takes while nothing happens."""

    watch_core_share: float
    """CPU time of `watch` over wall time: 1 is a whole core."""
    lampguard_core_share: float
    start_s: float
    """From exec of `watch` to its first look, seconds."""
    watch_pss_mib: float
    frames_per_s: float
    """Frames that were looked at meanwhile: fewer than 10 if the machine is busy."""


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of the quiet scene")
    arguments = parser.parse_args()
    table = Table("a quiet scene", [Column("figure", ",.3f"), Column("unit")], ["numpy"])
    idle = measure(arguments.seconds)
    table.add("watch", 100 * idle.watch_core_share, "% of a core")
    table.add("frames looked at", idle.frames_per_s, "/s")
    table.add("lampguard", 100 * idle.lampguard_core_share, "% of a core")
    table.add("memory of watch", idle.watch_pss_mib, "MiB PSS")
    table.add("exec to first look", idle.start_s, "s")
    for key, value in (
        ("quiet_watch_core_share", idle.watch_core_share),
        ("quiet_lampguard_core_share", idle.lampguard_core_share),
        ("start_s", idle.start_s),
        ("watch_pss_mib", idle.watch_pss_mib),
    ):
        table.figure(key, Spread.of([value]))
    table.finish(arguments.json)


def measure(seconds: float = SECONDS) -> Idle:
    """Return what the two programs take in `seconds` of a quiet scene."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/bytecode"
        desk = DeskSite(Path(folder) / "desk", 1024)
        make_site(desk)
        list_person(desk, portrait(Person.HOPPER))
        publish_list(desk)
        with DeskRig(desk) as rig:
            rig.start(Scene.QUIET)
            time.sleep(SETTLE_S)
            watch, guard = rig.pid(Program.WATCH), rig.pid(Program.LAMPGUARD)
            looks = len(rig.looks())
            began_s, before = time.monotonic(), (cpu_s(watch), cpu_s(guard))
            time.sleep(seconds)
            after, wall_s = (cpu_s(watch), cpu_s(guard)), time.monotonic() - began_s
            frames_per_s = (len(rig.looks()) - looks) / wall_s
            memory_mib = pss_mib(watch)
            start_s = min(_start_s(rig) for _ in range(STARTS))
    watched, guarded = ((now - then) / wall_s for now, then in zip(after, before, strict=True))
    return Idle(watched, guarded, start_s, memory_mib, frames_per_s)


def cpu_s(pid: int) -> float:
    """Return the CPU time that a process has used, in seconds: user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_mib(pid: int) -> float:
    """Return a process's share of memory (PSS), in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    (line,) = (each for each in lines if each.startswith("Pss:"))
    return int(line.split()[1]) / MIB


def _start_s(rig: DeskRig) -> float:
    """Return the seconds from exec of `watch` to its first look."""
    rig.send_signal(Program.WATCH, signal.SIGTERM)
    rig.wait_until(lambda: not rig.running(Program.WATCH))
    looks = len(rig.looks())
    began_ns = time.monotonic_ns()
    rig.restart(Program.WATCH)
    rig.wait_until(lambda: len(rig.looks()) > looks)
    return (rig.looks()[looks].begin_ns - began_ns) / 1e9


if __name__ == "__main__":
    main()
