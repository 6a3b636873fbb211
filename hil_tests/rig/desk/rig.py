"""The desk as a rig: the camera's real programs on real gpiozero devices, the wires in its hands.

Lamp guard and watch are processes of their own on a site made with the project's own commands. The
inference marker is the witness in watch; clock and disk are the rig's where there is a C compiler.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from formats.ledger import Happening, Program, Record
from hil_tests.errors import DeskRefused
from hil_tests.rig.contract import Edge, Feature, Look, Outage, Scene, Wrong
from hil_tests.rig.desk.clock import DeskClock
from hil_tests.rig.desk.disk import DeskDisk
from hil_tests.rig.desk.estate import DeskEstate
from hil_tests.rig.desk.pins import Board, PinServer
from hil_tests.rig.desk.preloaded import COMPILER, preload
from hil_tests.rig.desk.programs import Programs
from hil_tests.rig.desk.site_maker import DeskSite
from hil_tests.rig.desk.witness import Witness

SOURCES: Final = {
    Scene.PASSER_BY: "still",
    Scene.GREY: "grey",
    Scene.NO_FRAMES: "stall",
}
NEEDED: Final = {
    Feature.CLOCK: COMPILER,
    Feature.DISK: COMPILER,
    Feature.BROKER: "mosquitto",
}
"""Programs of the machine without which this rig cannot do something."""
READY_S: Final = 30.0
"""Longest wait for a camera to look, on a busy machine."""
LATCHED_S: Final = 3.0
"""A guard that says nothing new for so long after its start is still in fault."""
BURN: Final = "while True: sum(range(10_000))"


@dataclass(slots=True)
class DeskRig:
    """A camera on this machine. A context manager."""

    desk: DeskSite
    board: Board = field(default_factory=Board)
    witness: Witness = field(default_factory=Witness)
    _scene: Scene = Scene.PASSER_BY
    _open: ExitStack = field(default_factory=ExitStack)
    _lines: PinServer | None = None
    _programs: dict[Program, subprocess.Popen[bytes]] = field(default_factory=dict)
    _burners: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _estate: DeskEstate | None = None

    def __enter__(self) -> Self:
        self._lines = self._open.enter_context(PinServer(self.board))
        self._clock.make()
        self._disk.make()
        return self

    def __exit__(self, *_: object) -> None:
        self.disk(())
        self.stop()
        self.load(0)
        self._open.close()

    @property
    def features(self) -> frozenset[Feature]:
        """Everything, where there are a compiler, for clock and disk, and a broker."""
        missing = {feature for feature, program in NEEDED.items() if shutil.which(program) is None}
        return frozenset(Feature) - missing

    def start(self, scene: Scene = Scene.PASSER_BY) -> None:
        """Start guard and watch; return once watch looks, or has ended."""
        self._scene = scene
        self.restart(Program.LAMPGUARD)
        self.restart(Program.WATCH)
        before = len(self.witness.looks)
        self.until(lambda: len(self.witness.looks) > before or not self.running(Program.WATCH))

    def stop(self) -> None:
        """Stop watch, then the guard, then the courier."""
        for program in (Program.WATCH, Program.LAMPGUARD, Program.COURIER):
            if program in self._programs:
                self._end(self._programs.pop(program))

    def restart(self, program: Program) -> None:
        """End one program and start it anew; the guard is past its self-test then."""
        if program in self._programs:
            self._end(self._programs.pop(program))
        if program is Program.WATCH:
            self._programs[program] = self._start_watch()
            return
        if program is Program.COURIER:
            self._programs[program] = self._start(program, "firmware", ["courier"])
            return
        tested, started = len(self.states()), self._guard_starts()
        assert self._lines is not None
        pins = ["--pins", str(self._lines.port)]
        self._programs[program] = self._start(program, "hil_tests.rig.desk.lampguard", pins)
        self.until(lambda: self._guard_starts() > started)
        began_s = time.monotonic()
        # A guard that was killed in fault is in fault again, and has nothing new to say.
        self.until(
            lambda: (
                len(self.states()) > tested
                or (self._in_fault() and time.monotonic() - began_s > LATCHED_S)
            )
        )

    def running(self, program: Program) -> bool:
        """Say whether a program runs."""
        return program in self._programs and self._programs[program].poll() is None

    def ended(self, program: Program) -> int | None:
        """Return how a program ended, or None while it runs."""
        return self._programs[program].poll()

    def said(self, program: Program) -> str:
        """Return what a program has said on standard error."""
        return (self._logs / f"{program}.log").read_text(encoding="utf-8", errors="replace")

    def lamp(self, wrong: Wrong | None) -> None:
        """Break the lamp in one way, or mend it."""
        self.board.fault(
            wire_cut=wrong is Wrong.OPEN,
            stuck_on=wrong is Wrong.STUCK_ON,
            tied_high=wrong is Wrong.TIED_HIGH,
            covered=wrong is Wrong.COVERED,
        )

    def light(self) -> Sequence[Edge]:
        """Return when the lamp shone."""
        return tuple(self.board.shone)

    def current(self) -> Sequence[Edge]:
        """Return when current was sensed."""
        return tuple(self.board.edges)

    def looks(self) -> Sequence[Look]:
        """Return when the nets ran."""
        return tuple(Look(begin, end) for begin, end in self.witness.looks)

    def signal(self, program: Program, number: int) -> None:
        """Send a signal to one program."""
        self._programs[program].send_signal(number)

    def break_nets(self, how: str) -> None:
        """Let the nets' runtime "abort" or "hang" at its next look."""
        self._fault_file.write_text(how, encoding="ascii")

    def clock(self, by_s: float) -> None:
        """Set the camera's clock forwards or back."""
        self._clock.move(by_s)

    def disk(self, held: Collection[Program]) -> None:
        """Let these programs wait whenever they wait for the disk, and no others."""
        self._disk.hold(held)

    def load(self, burners: int) -> None:
        """Keep so many processes busy beside the camera."""
        while self._burners:
            burner = self._burners.pop()
            burner.kill()
            burner.wait()
        for _ in range(burners):
            self._burners.append(subprocess.Popen([sys.executable, "-c", BURN]))

    def power(self, *, on: bool) -> None:
        """Kill every program at once and leave no line driven; or start them all.

        What a disk loses in a power cut is not lost here: `firmware/tests/power_cut.py`.
        """
        if on:
            self.start(self._scene)
            if self._estate is not None:
                self.restart(Program.COURIER)
            return
        for process in self._programs.values():
            process.kill()
        self.board.cut_power()
        while self._programs:
            self._programs.popitem()[1].wait()

    def deliver(self) -> None:
        """Start broker and receiver, and the courier behind a network that can be broken."""
        self._estate = self._open.enter_context(DeskEstate(self.desk))
        there, ours = f"broker_port = {self.desk.port}", f"broker_port = {self._estate.port}"
        config = self.desk.camera_config.read_text(encoding="utf-8")
        self.desk.camera_config.write_text(config.replace(there, ours), encoding="utf-8")
        self.restart(Program.COURIER)

    def outage(self, outage: Outage | None) -> None:
        """Break what lies between courier and receiver, or mend it."""
        assert self._estate is not None
        self._estate.outage(outage)

    def sealed(self) -> list[str]:
        """Return the digests of the events that watch's ledger names."""
        made = self._records(Program.WATCH, Happening.EVENT_SEALED)
        return [str(record.body["envelope"]) for record in made]

    def stored(self) -> list[str]:
        """Return the digests of the events in the estate's store."""
        assert self._estate is not None
        return self._estate.stored()

    def faults(self, program: Program) -> list[str]:
        """Return the codes of the faults in a program's ledger."""
        return [str(one.body["code"]) for one in self._records(program, Happening.FAULT)]

    def states(self) -> list[tuple[str, str]]:
        """Return the lamp's states and their reasons."""
        changes = self._records(Program.LAMPGUARD, Happening.LAMP)
        return [(str(one.body["to"]), str(one.body["reason"])) for one in changes]

    def _records(self, program: Program, happening: Happening) -> list[Record]:
        ledger = self.desk.camera / program / "ledger.jsonl"
        if not ledger.exists():
            return []
        whole = ledger.read_bytes().rpartition(b"\n")[0]  # The last may be half written.
        told = [Record.from_line(line) for line in whole.splitlines()]
        return [record for record in told if record.event is happening]

    def _guard_starts(self) -> int:
        ledger = self.desk.camera / "lampguard" / "ledger.jsonl"
        return ledger.read_bytes().count(b'"event":"start"') if ledger.exists() else 0

    def _in_fault(self) -> bool:
        return [state for state, _ in self.states()[-1:]] == ["fault"]

    def until(self, holds: Callable[[], object], *, within_s: float = READY_S) -> float:
        """Wait until something holds; return how long it took, in seconds.

        Raises:
            DeskRefused: it does not in time.
        """
        began_s = time.monotonic()
        while not holds():
            if time.monotonic() - began_s > within_s:
                raise DeskRefused(f"It did not happen within {within_s:.0f} s: see {self._logs}.")
            time.sleep(0.01)
        return time.monotonic() - began_s

    @property
    def _logs(self) -> Path:
        return self.desk.folder / "logs"

    @property
    def _fault_file(self) -> Path:
        return self.desk.folder / "fault"

    @property
    def _clock(self) -> DeskClock:
        return DeskClock(self.desk.folder)

    @property
    def _disk(self) -> DeskDisk:
        return DeskDisk(self.desk.folder)

    def _start_watch(self) -> subprocess.Popen[bytes]:
        pipe, end = os.pipe()
        self.witness.listen(pipe)
        words = ["--source", SOURCES[self._scene], "--witness", str(end)]
        words += ["--fault-file", str(self._fault_file)]
        try:
            return self._start(Program.WATCH, "hil_tests.rig.desk.watch", words, pipes=[end])
        finally:
            os.close(end)

    def _start(
        self,
        program: Program,
        module: str,
        words: Sequence[str] = (),
        pipes: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        config = ["--config", str(self.desk.camera_config)]
        clock, disk = self._clock, self._disk
        libraries = [(clock.preloaded, clock.file), (disk.preloaded, disk.file(program))]
        command = [*preload(libraries), sys.executable, "-m", module, *config, *words]
        return Programs(self._logs).start(program, command, pipes=pipes)

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGCONT)  # One that is frozen hears nothing else.
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
