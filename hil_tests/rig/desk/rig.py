"""The desk back-end: the camera's real programs as processes, on simulated GPIO lines.

Lamp guard, watch and courier are processes of their own, on a site that was made with the project's
own commands. gpiozero's real devices drive the simulated lines. The witness in watch is the
inference marker. Clock and disk are the rig's where there is a C compiler. There are no units and
no sandboxes.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from formats.ledger import Program, Record
from hil_tests.rig.contract import (
    Edge,
    InferenceFault,
    LampDefect,
    Look,
    Outage,
    Rig,
    Scene,
    read_records,
)
from hil_tests.rig.desk.burners import Burners
from hil_tests.rig.desk.clock import DeskClock
from hil_tests.rig.desk.disk import DeskDisk
from hil_tests.rig.desk.estate import DeskEstate
from hil_tests.rig.desk.pins import Board, PinServer
from hil_tests.rig.desk.preloaded import environment
from hil_tests.rig.desk.programs import Programs
from hil_tests.rig.desk.witness import Witness
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.self_test import awaited_self_test

SOURCES: Final = {
    Scene.PERSON: "still",
    Scene.INFRARED: "grey",
    Scene.QUIET: "quiet",
    Scene.STALL: "stall",
}
STOP_S: Final = 5.0
"""Longest wait for a program to stop by itself."""


@dataclass(slots=True)
class DeskRig(Rig):
    """A camera on this machine. A context manager."""

    desk: DeskSite
    board: Board = field(default_factory=Board)
    witness: Witness = field(default_factory=Witness)
    _scene: Scene = Scene.PERSON
    _open: ExitStack = field(default_factory=ExitStack)
    _lines: PinServer | None = None
    _programs: dict[Program, subprocess.Popen[bytes]] = field(default_factory=dict)
    _burners: Burners = field(default_factory=Burners)
    _estate: DeskEstate | None = None

    def __enter__(self) -> Self:
        self._lines = self._open.enter_context(PinServer(self.board))
        self._clock.make()
        self._disk.make()
        return self

    def __exit__(self, *_: object) -> None:
        self.stall_disk(())
        self.stop()
        self.load_processor(0)
        self._open.close()

    @property
    def logs(self) -> Path:
        """The folder with the logs of all programs."""
        return self.desk.folder / "logs"

    def start(self, scene: Scene = Scene.PERSON) -> None:
        """Start guard and watch; return once watch looks, or has ended."""
        self._scene = scene
        self.restart(Program.LAMPGUARD)
        self.restart(Program.WATCH)
        before = len(self.witness.looks)
        self.wait_until(lambda: len(self.witness.looks) > before or not self.running(Program.WATCH))

    def stop(self) -> None:
        """Stop watch, then the guard, then the courier."""
        for program in (Program.WATCH, Program.LAMPGUARD, Program.COURIER):
            if program in self._programs:
                self._end(self._programs.pop(program))

    def restart(self, program: Program) -> None:
        """End one program and start it again. The guard's self-test is over on return."""
        if program in self._programs:
            self._end(self._programs.pop(program))
        if program is Program.WATCH:
            self._programs[program] = self._start_watch()
            return
        if program is Program.COURIER:
            self._programs[program] = self._start(program, "firmware", ["courier"])
            return
        assert self._lines is not None
        pins = ["--pins", str(self._lines.port)]
        with awaited_self_test(self):
            self._programs[program] = self._start(program, "hil_tests.rig.desk.lampguard", pins)

    def running(self, program: Program) -> bool:
        """Return whether a program runs."""
        return program in self._programs and self._programs[program].poll() is None

    def pid(self, program: Program) -> int:
        """Return the process number of a program that was started."""
        return self._programs[program].pid

    def exit_status(self, program: Program) -> int | None:
        """Return a program's exit status, or minus the signal that killed it; None: it runs."""
        return self._programs[program].poll()

    def log(self, program: Program) -> str:
        """Return what a program wrote on standard error."""
        return (self.logs / f"{program}.log").read_text(encoding="utf-8", errors="replace")

    def records(self, program: Program) -> list[Record]:
        """Return all records of a program's ledger, oldest first."""
        return read_records(self.desk.camera / program / "ledger.jsonl")

    def send_signal(self, program: Program, number: int) -> None:
        """Send a signal to one program."""
        self._programs[program].send_signal(number)

    def set_lamp_defect(self, defect: LampDefect | None) -> None:
        """Break the lamp in one way, or repair it."""
        self.board.set_defect(defect)

    def lamp_light(self) -> Sequence[Edge]:
        """Return when the lamp shone."""
        return tuple(self.board.shone)

    def lamp_current(self) -> Sequence[Edge]:
        """Return when the sense line reported current."""
        return tuple(self.board.edges)

    def looks(self) -> Sequence[Look]:
        """Return when the nets ran, by the witness in watch."""
        return tuple(Look(begin, end) for begin, end in self.witness.looks)

    def inject_inference_fault(self, fault: InferenceFault) -> None:
        """Let the nets' runtime fail at its next look, once."""
        self._fault_file.write_text(fault, encoding="ascii")

    def shift_clock(self, by_s: float) -> None:
        """Set the camera's clock this much later than the true time; negative: earlier."""
        self._clock.shift(by_s)

    def stall_disk(self, programs: Collection[Program]) -> None:
        """Let these programs wait in each fsync and rename until the next call; others go on."""
        self._disk.stall(programs)

    def load_processor(self, burners: int) -> None:
        """Keep so many processes busy beside the camera; 0 ends them."""
        self._burners.burn(burners)

    def set_power(self, *, on: bool) -> None:
        """Kill every program at once and leave no line driven; or start them all.

        The disk loses nothing here: `firmware/tests/power_cut.py` tests what a disk loses.
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

    def connect_estate(self) -> None:
        """Start broker and receiver, and the courier behind a network with faults."""
        self._estate = self._open.enter_context(DeskEstate(self.desk))
        there, ours = f"broker_port = {self.desk.port}", f"broker_port = {self._estate.port}"
        config = self.desk.camera_config.read_text(encoding="utf-8")
        self.desk.camera_config.write_text(config.replace(there, ours), encoding="utf-8")
        self.restart(Program.COURIER)

    def set_outage(self, outage: Outage | None) -> None:
        """Break the network between courier and broker in one way, or repair it."""
        assert self._estate is not None
        self._estate.set_outage(outage)

    def stored_events(self) -> list[str]:
        """Return the digests of the events in the estate's store, in hex."""
        assert self._estate is not None
        return self._estate.stored_events()

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
        command = ["env", *environment(libraries), sys.executable, "-m", module, *config, *words]
        return Programs(self.logs).start(program, command, pipes=pipes)

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGCONT)  # A frozen program takes no other signal.
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
