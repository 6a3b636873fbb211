"""The rig contract: what a test of a whole camera may do to it, and what it may measure.

A rig is one camera with instruments around it: lamp faults, lamp light and current, inference
marker, processor load, clock, power, network faults, broker and receiver. The desk (processes and
simulated GPIO lines), the virtual camera (real units under systemd) and a real camera behind relays
answer the same calls, so each test is written once.

`hil_tests/rig/limits.py` says what a back-end cannot do. A test names the features that it needs
with the mark `needs`, and is skipped with the reason from there.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from formats.ledger import Happening, Program, Record
from hil_tests.errors import DeskRefused
from hil_tests.rig.desk_site import DeskSite

READY_S: Final = 30.0
"""Longest wait for a camera to look, on a busy machine."""
POLL_S: Final = 0.01
"""Time between two polls of a condition."""


class Feature(StrEnum):
    """What some back-ends can do and others cannot."""

    SCENES = "choosing the scene"
    LAMP_DEFECTS = "breaking the lamp"
    SIGNALS = "sending signals to programs"
    INFERENCE_FAULTS = "making the nets' runtime fail"
    CLOCK = "setting the clock"
    LOAD = "loading the processor"
    BROKER = "breaking the network and the broker"
    POWER = "cutting the power"
    DISK = "stalling the disk"
    UNITS = "running the camera's systemd units"


class LampDefect(StrEnum):
    """What is wrong with the lamp or with its sense line."""

    OPEN_CIRCUIT = "open circuit"
    """No current flows, driven or not: a dead lamp, a cut wire."""
    STUCK_ON = "stuck on"
    """The lamp shines, driven or not: a shorted transistor."""
    SENSE_STUCK_HIGH = "sense stuck high"
    """The sense line reports current, whether current flows or not."""
    COVERED = "covered"
    """The lamp shines, and its light does not get out: tape. Only a photodiode sees this."""


class InferenceFault(StrEnum):
    """How the nets' runtime fails at its next look."""

    ABORT = "abort"
    """The runtime calls abort(3), as libedgetpu does on a USB error."""
    HANG = "hang"
    """The runtime does not return."""


class Outage(StrEnum):
    """A network fault between camera and estate."""

    BROKER_DOWN = "the broker is down"
    HALF_OPEN = "connections are half open: no byte passes, and neither end is told"


class Scene(StrEnum):
    """What the camera sees."""

    PERSON = "one person, who stays in view"
    INFRARED = "the same person in infrared light: a picture without colour"
    QUIET = "an empty street, with a sensor's noise"
    STALL = "two seconds of frames, and then none"


@dataclass(frozen=True, slots=True)
class Edge:
    """A change of lamp light or lamp current."""

    at_ns: int
    """CLOCK_MONOTONIC of the rig."""
    high: bool


@dataclass(frozen=True, slots=True)
class Look:
    """One inference."""

    begin_ns: int
    end_ns: int
    """CLOCK_MONOTONIC of the rig."""


class Rig(Protocol):
    """One camera under test with its instruments. A context manager of the back-end opens it.

    A program that has ended stays ended until a test restarts it, so that a test sees what a fault
    left behind.
    """

    desk: DeskSite
    """The desk at which the camera's site was made: its folders, keys and lists."""

    @property
    def logs(self) -> Path:
        """The folder with the logs of all programs."""

    def start(self, scene: Scene = Scene.PERSON) -> None:
        """Start guard and watch in front of a scene; return once watch looks, or has ended.

        A back-end without `Feature.SCENES` has one scene of its own, in which watch looks.
        """

    def stop(self) -> None:
        """Stop all programs."""

    def restart(self, program: Program) -> None:
        """End one program and start it again. The guard's self-test is over on return."""

    def running(self, program: Program) -> bool:
        """Return whether a program runs."""

    def exit_status(self, program: Program) -> int | None:
        """Return a program's exit status, or minus the signal that killed it; None: it runs."""

    def log(self, program: Program) -> str:
        """Return what a program wrote on standard error."""

    def records(self, program: Program) -> list[Record]:
        """Return all records of a program's ledger, oldest first."""

    def send_signal(self, program: Program, number: int) -> None:
        """Send a signal to one program."""

    def set_lamp_defect(self, defect: LampDefect | None) -> None:
        """Break the lamp in one way, or repair it."""

    def lamp_light(self) -> Sequence[Edge]:
        """Return when the lamp itself shone, by a photodiode of the rig."""

    def lamp_current(self) -> Sequence[Edge]:
        """Return when the sense line reported current."""

    def looks(self) -> Sequence[Look]:
        """Return when the nets ran, by the inference marker."""

    def inject_inference_fault(self, fault: InferenceFault) -> None:
        """Let the nets' runtime fail at its next look, once."""

    def shift_clock(self, by_s: float) -> None:
        """Set the camera's clock this much later than the true time; negative: earlier."""

    def stall_disk(self, programs: Collection[Program]) -> None:
        """Let these programs wait in each fsync and rename until the next call; others go on."""

    def load_processor(self, burners: int) -> None:
        """Keep so many processes busy beside the camera; 0 ends them."""

    def set_power(self, *, on: bool) -> None:
        """Cut the camera's power, or restore it: its programs then start by themselves."""

    def connect_estate(self) -> None:
        """Start broker and receiver, and the camera's courier behind a network with faults."""

    def set_outage(self, outage: Outage | None) -> None:
        """Break the network between camera and estate in one way, or repair it."""

    def stored_events(self) -> list[str]:
        """Return the digests of the events in the estate's store, in hex."""

    def sealed_events(self) -> list[str]:
        """Return the digests of the events that watch's ledger names, in hex."""
        made = records_of(self, Program.WATCH, Happening.EVENT_SEALED)
        return [str(record.body["envelope"]) for record in made]

    def faults(self, program: Program) -> list[str]:
        """Return the codes of the faults in a program's ledger, oldest first."""
        return [str(one.body["code"]) for one in records_of(self, program, Happening.FAULT)]

    def lamp_states(self) -> list[tuple[str, str]]:
        """Return the lamp's states and their reasons from the guard's ledger, oldest first."""
        changes = records_of(self, Program.LAMPGUARD, Happening.LAMP)
        return [(str(one.body["to"]), str(one.body["reason"])) for one in changes]

    def wait_until(self, holds: Callable[[], object], *, within_s: float = READY_S) -> float:
        """Poll until a condition holds; return how long that took, in seconds.

        Raises:
            DeskRefused: it does not hold in time.
        """
        began_s = time.monotonic()
        while not holds():
            if time.monotonic() - began_s > within_s:
                raise DeskRefused(f"It did not happen within {within_s:.0f} s: see {self.logs}.")
            time.sleep(POLL_S)
        return time.monotonic() - began_s


def records_of(rig: Rig, program: Program, happening: Happening) -> list[Record]:
    """Return a program's records of one kind, oldest first."""
    return [record for record in rig.records(program) if record.event is happening]


def read_records(ledger: Path) -> list[Record]:
    """Return the records of a ledger that is being written: a half-written last line is left out.

    Returns an empty list where the file does not exist yet.
    """
    if not ledger.exists():
        return []
    whole = ledger.read_bytes().rpartition(b"\n")[0]
    return [Record.from_line(line) for line in whole.splitlines()]
