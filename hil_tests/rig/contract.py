"""What a test of a whole camera may do and see, whatever the camera is made of.

A desk (processes and simulated lines), a virtual camera and a real one behind a rig's relays answer
the same calls, so the tests of `make hil` are written once. A rig names what it can do; a test asks
for that first and is skipped, saying why, where it is missing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from formats.ledger import Program


class Feature(StrEnum):
    """What not every rig can do."""

    LAMP_FAULTS = "breaking the lamp"
    SIGNALS = "stopping programs"
    NET_FAULTS = "breaking the nets' runtime"
    CLOCK = "setting the clock"
    LOAD = "loading the processor"
    BROKER = "breaking the network and the broker"
    POWER = "cutting the power"
    DISK = "holding the disk"


class Wrong(StrEnum):
    """What may be wrong with the lamp."""

    OPEN = "open"
    """No current flows, driven or not: a dead lamp, a cut wire."""
    STUCK_ON = "stuck on"
    """It shines, driven or not: a shorted transistor."""
    TIED_HIGH = "sense tied high"
    """The sense line says that current flows, whether any does or not."""
    COVERED = "covered"
    """It shines, and its light does not get out: tape. Seen by a photodiode alone."""


class Outage(StrEnum):
    """What may be wrong between camera and estate."""

    BROKER = "the broker is gone"
    SILENT = "nothing passes, and nobody is told"


class Scene(StrEnum):
    """What the camera sees."""

    PASSER_BY = "somebody who stays"
    GREY = "a street in infrared light"
    NO_FRAMES = "two seconds of frames, and then none"


@dataclass(frozen=True, slots=True)
class Edge:
    """Light or current changed."""

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
    """One camera under test, and the hands and eyes around it."""

    @property
    def features(self) -> frozenset[Feature]:
        """What this rig can do."""

    def start(self, scene: Scene = Scene.PASSER_BY) -> None:
        """Start the camera in front of a scene; return once it looks, or has ended."""

    def stop(self) -> None:
        """Stop all programs."""

    def restart(self, program: Program) -> None:
        """Start one program anew, as its supervisor or an operator would."""

    def running(self, program: Program) -> bool:
        """Say whether a program runs."""

    def lamp(self, wrong: Wrong | None) -> None:
        """Break the lamp in one way, or mend it."""

    def light(self) -> Sequence[Edge]:
        """Return when the lamp itself shone, by a photodiode."""

    def current(self) -> Sequence[Edge]:
        """Return when the sense line said that current flowed."""

    def looks(self) -> Sequence[Look]:
        """Return when the nets ran, by the inference marker."""

    def signal(self, program: Program, number: int) -> None:
        """Send a signal to one program."""

    def break_nets(self, how: str) -> None:
        """Let the nets' runtime "abort" or "hang" at its next look."""

    def clock(self, by_s: float) -> None:
        """Set the camera's clock forwards or back."""

    def disk(self, held: Collection[Program]) -> None:
        """Let these programs wait whenever they wait for the disk, and no others."""

    def load(self, burners: int) -> None:
        """Keep so many processes busy beside the camera; 0 ends them."""

    def power(self, *, on: bool) -> None:
        """Cut the camera's power, or give it back: its programs start by themselves then."""

    def deliver(self) -> None:
        """Have broker, receiver and the camera's courier at work from now on."""

    def outage(self, outage: Outage | None) -> None:
        """Break what lies between camera and estate in one way, or mend it."""

    def sealed(self) -> list[str]:
        """Return the digests of the events that the camera's ledger names, in hex."""

    def stored(self) -> list[str]:
        """Return the digests of the events that the estate holds, in hex."""

    def faults(self, program: Program) -> list[str]:
        """Return the codes of the faults in a program's ledger, oldest first."""

    def states(self) -> list[tuple[str, str]]:
        """Return the lamp's states and their reasons from the guard's ledger, oldest first."""
