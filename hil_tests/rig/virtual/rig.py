"""The virtual back-end: the camera's real units under systemd, on real picamera2.

Lamp guard, watch and courier run as their own users in their own sandboxes. The lamp's GPIO lines
are simulated and served on a local socket. The sensor is simulated by libcamera's virtual pipeline.
The inference marker is the witness in watch, which connects to a local socket of the rig. There is
no broker, and the scene is always colour bars: `hil_tests/rig/limits.py`.
"""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from formats.ledger import Program, Record
from hil_tests.rig.contract import (
    Edge,
    Feature,
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
from hil_tests.rig.desk.pins import Board, PinServer
from hil_tests.rig.desk.preloaded import environment
from hil_tests.rig.desk.witness import Witness, WitnessServer
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.limits import Backend, refusal
from hil_tests.rig.self_test import awaited_self_test
from hil_tests.rig.virtual.machine import Machine, unit
from hil_tests.rig.virtual.overlay import FAULT_FILE, RIG, write_overlay

BOOT_S: Final = 60.0
"""Longest time from power to the end of the boot."""
PROGRAMS: Final = (Program.WATCH, Program.LAMPGUARD, Program.COURIER)
"""The camera's programs, in the order in which they are stopped."""
KILLED: Final = {"2", "3"}
"""systemd's ExecMainCode of a process that a signal killed, without and with a core dump."""


@dataclass(slots=True)
class VirtualRig(Rig):
    """A booted camera. A context manager."""

    desk: DeskSite
    machine: Machine
    as_shipped: bool = False
    """Whether units start at boot and restart by themselves, as on a camera in the field."""
    board: Board = field(default_factory=Board)
    witness: Witness = field(default_factory=Witness)
    _burners: Burners = field(default_factory=Burners)
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self._shared.mkdir(parents=True, mode=0o755)
        self._clock.make()
        self._disk.make()
        variables = {program: self._variables(program) for program in PROGRAMS}
        write_overlay(self.machine.folder, self.desk, variables, as_shipped=self.as_shipped)
        self._open.enter_context(PinServer(self.board, self._shared / "pins.sock"))
        self._open.enter_context(WitnessServer(self.witness, self._shared / "looks.sock"))
        self._open.callback(self.machine.power_off)
        self._open.callback(self.load_processor, 0)
        try:
            self._boot()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def logs(self) -> Path:
        """The folder with the console of the boot; programs write into the journal inside."""
        return self.machine.folder

    def start(self, scene: Scene = Scene.PERSON) -> None:
        """Start guard and watch in front of colour bars; return once watch looks, or has ended."""
        if scene is not Scene.PERSON:
            raise refusal(Backend.VIRTUAL, Feature.SCENES)
        self.restart(Program.LAMPGUARD)
        before = len(self.looks())
        self.restart(Program.WATCH)
        self.wait_until(lambda: len(self.looks()) > before or not self.running(Program.WATCH))

    def stop(self) -> None:
        """Stop watch, then the guard, then the courier."""
        for program in PROGRAMS:
            self.machine.systemctl("stop", unit(program))

    def restart(self, program: Program) -> None:
        """End one program and start it again. The guard's self-test is over on return."""
        if program is Program.LAMPGUARD:
            with awaited_self_test(self):
                self.machine.systemctl("restart", unit(program))
            return
        self.machine.systemctl("restart", unit(program))

    def running(self, program: Program) -> bool:
        """Return whether a program's unit has a main process."""
        return self.machine.unit_property(program, "MainPID") not in {"", "0"}

    def exit_status(self, program: Program) -> int | None:
        """Return a program's exit status, or minus the signal that killed it; None: it runs."""
        if self.running(program):
            return None
        code = self.machine.unit_property(program, "ExecMainCode")
        status = int(self.machine.unit_property(program, "ExecMainStatus"))
        return -status if code in KILLED else status

    def log(self, program: Program) -> str:
        """Return what a program wrote into the journal."""
        return self.machine.journal(program)

    def state_file(self, name: str) -> Path:
        """Return a file of the camera's state folder, by its path outside."""
        return self.machine.folder / "data/tallylight" / name

    def records(self, program: Program) -> list[Record]:
        """Return all records of a program's ledger, oldest first."""
        return read_records(self.state_file(f"{program}/ledger.jsonl"))

    def send_signal(self, program: Program, number: int) -> None:
        """Send a signal to one program."""
        self.machine.send_signal(program, number)

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
        self.machine.run("sh", "-c", f"printf {fault} >{FAULT_FILE}")

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
        """Kill everything inside at once and leave no line driven; or boot and start again.

        The disk loses nothing here: `firmware/tests/power_cut.py` tests what a disk loses.
        """
        if on:
            self._boot()
            if not self.as_shipped:
                self.start()
            return
        self.machine.power_off()
        self.board.cut_power()

    def connect_estate(self) -> None:
        """Refuse: the virtual camera has no broker."""
        raise refusal(Backend.VIRTUAL, Feature.BROKER)

    def set_outage(self, _outage: Outage | None) -> None:
        """Refuse: the virtual camera has no broker."""
        raise refusal(Backend.VIRTUAL, Feature.BROKER)

    def stored_events(self) -> list[str]:
        """Refuse: the virtual camera has no estate."""
        raise refusal(Backend.VIRTUAL, Feature.BROKER)

    def _boot(self) -> None:
        self.machine.power_on()
        self.wait_until(self.machine.booted, within_s=BOOT_S)

    @property
    def _shared(self) -> Path:
        """The folder that the camera's programs find at `RIG`."""
        return self.machine.folder / "rig"

    @property
    def _clock(self) -> DeskClock:
        return DeskClock(self._shared)

    @property
    def _disk(self) -> DeskDisk:
        return DeskDisk(self._shared)

    def _variables(self, program: Program) -> list[str]:
        clock, disk = self._clock, self._disk
        libraries = [(clock.preloaded, clock.file), (disk.preloaded, disk.file(program))]
        return environment(libraries, RIG)
