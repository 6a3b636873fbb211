"""Fakes of the real shape: lamp, guard, camera, detector and embedder, for the camera's tests."""

import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from firmware.disk_writer import STALLED_S, DiskWriter
from firmware.errors import LampDark
from firmware.guard.lampguard import guard
from firmware.guard.leases import Users
from firmware.guard.listener import listen
from firmware.hardware import lamp
from firmware.hardware.camera import Frame
from firmware.hardware.edges import Edges
from firmware.hardware.lamp import Lit
from firmware.record.ledger import Ledger
from firmware.record.queued_ledger import QueuedLedger
from firmware.tests.observations import eventually, records
from formats.lease import Grant, Reason, Refused, Request, decode_request, encode_answer
from formats.ledger import Happening, Program
from recognition.aligner import STANDARD, Chip
from recognition.calibration import Calibration, Groups, Rate
from recognition.contract import EmbedderEntry, NetEntry, TensorSpec
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.eye import Eye
from recognition.face import Box, Face, Point, Points
from recognition.manifest import Manifest
from recognition.pixels import Pixels
from recognition.template import Side, Template

DIM = 4
LEASE_ID = bytes(range(16))
RATES = (Rate(500_000, 100, 1_000),)
GROUPS = Groups(100, "none", "none")
CALIBRATION = Calibration(bytes(32), "fake 1", "none", 1, "none", RATES, fused=RATES, groups=GROUPS)
TENSOR = TensorSpec((1,), 1.0, 0)
NET = NetEntry("none", 0, bytes(32), "", bytes(32), "", "", TENSOR, ())
MANIFEST = Manifest(EmbedderEntry(NET, STANDARD), (), CALIBRATION, None)


@dataclass
class Bulb:
    """The lamp's two lines, and what may be wrong with it."""

    wire_cut: bool = False
    tied_high: bool = False
    driven: bool = False
    edges: Edges | None = None
    """The edges of the sense line; None: they are not told."""
    covered: bool | None = None
    """Whether tape keeps the light in; None: there is no photodiode."""

    def drive(self, *, high: bool) -> None:
        before = self.senses_current()
        self.driven = high
        if self.edges is not None and self.senses_current() is not before:
            self.edges.note()

    def cut_wire(self) -> None:
        """Break the lamp; the sense line has an edge then."""
        self.wire_cut = True
        if self.edges is not None:
            self.edges.note()

    def senses_current(self) -> bool:
        return self.tied_high or (self.driven and not self.wire_cut)

    def sees_light(self) -> bool | None:
        if self.covered is None:
            return None
        return self.driven and not self.wire_cut and not self.covered


@dataclass
class Guard:
    """A running lamp guard, as other programs see it."""

    bulb: Bulb
    folder: Path

    @property
    def door(self) -> Path:
        return self.folder / "lamp.sock"

    def changes(self) -> list[tuple[int | str, int | str]]:
        """Return the lamp's changes in the ledger: (state after, reason)."""
        return [(each["to"], each["reason"]) for each in records(self.folder, Happening.LAMP)]

    def has(self, state: str) -> bool:
        return state in [after for after, _ in self.changes()]

    @contextmanager
    def called(self) -> Iterator[socket.socket]:
        """Open a connection that blocks for at most 5 s."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
            caller.settimeout(5)
            caller.connect(str(self.door))
            yield caller


@contextmanager
def guarding(
    folder: Path,
    *,
    bulb: Bulb | None = None,
    users: Users | None = None,
    ledger: Ledger | None = None,
    stalled_s: float = STALLED_S,
) -> Iterator[Guard]:
    """Run the real guard over a simulated lamp, in a thread, past its self-test."""
    made, ledger = Guard(bulb or Bulb(), folder), ledger or Ledger(folder, Program.LAMPGUARD)
    before = len(made.changes())
    stopped = threading.Event()
    with DiskWriter(stalled_s=stalled_s) as writer:
        thread = threading.Thread(
            target=guard,
            args=(made.bulb, listen(made.door), QueuedLedger(ledger, writer)),
            kwargs={
                "users": users or Users(os.getuid()),
                "running": lambda: not stopped.is_set(),
            },
        )
        thread.start()
        try:
            eventually(lambda: len(made.changes()) > before)
            yield made
        finally:
            stopped.set()
            thread.join()
            writer.flush()


@dataclass
class ScriptedGuard:
    """The other end of a lamp's channel: it grants for a minute, or follows a test's script.

    A context manager; `channel` is the holder's end. While it is open, a holder in this process
    believes a grant for a minute, so that a busy machine ends no test's light.
    """

    answers: tuple[Grant | Refused | None, ...] = ()
    """To the first requests for light; a grant for a minute to all others."""
    longest_s: float = 61.0
    """The longest grant that the holder believes."""
    heard: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._bound = pytest.MonkeyPatch()
        self._bound.setattr(lamp, "LONGEST_NS", int(self.longest_s * 1e9))
        self._near, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._near.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._near.close()
        self._thread.join()
        self._far.close()
        self._bound.undo()

    @property
    def channel(self) -> int:
        return self._near.fileno()

    def says(self, packet: bytes) -> None:
        self._far.send(packet)

    def goes_dark(self) -> None:
        self.says(encode_answer(Refused(Reason.FAULT)))

    def dies(self) -> None:
        self._far.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        script = list(self.answers)
        while packet := self._received():
            self.heard.append(decode_request(packet))
            if self.heard[-1] is Request.ASK:
                answer = script.pop(0) if script else grant(60.0)
                if answer is not None:
                    self.says(encode_answer(answer))

    def _received(self) -> bytes:
        try:
            return self._far.recv(64)
        except ConnectionResetError:  # The holder left with answers unread.
            return b""


def last_look(lit: Lit) -> float:
    """Check the light until it is refused; return when the last check that passed was begun."""
    passed_s, until_s = -math.inf, time.monotonic() + 30
    while passed_s < until_s:
        begun_s = time.monotonic()
        try:
            lit.check()
        except LampDark:
            return passed_s
        passed_s = begun_s
    return passed_s


def grant(for_s: float) -> Grant:
    return Grant(LEASE_ID, time.monotonic_ns() + int(for_s * 1e9))


@dataclass(frozen=True)
class PasserBy:
    """One passer-by in one frame: the first or second on the list, or (2) a stranger."""

    who: int
    x: float
    y: float = 60.0


def face_of(one: PasserBy, size: float = 100.0) -> Face:
    places = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    points = (Point(one.x + size * x, one.y + size * y) for x, y in places)
    return Face(Box(one.x, one.y, size, size), 0.9, Points(*points))


def scene(people: list[PasserBy], seed: int = 7) -> Pixels:
    """Draw a grainy grey street of 640 x 240; each passer-by glows in a colour of their own."""
    pixels = np.random.default_rng(seed).integers(60, 120, (240, 640, 3), np.uint8)
    for one in people:
        box = face_of(one).box
        rows = slice(int(box.y), int(box.y + box.height))
        pixels[rows, int(box.x) : int(box.x + box.width), one.who] += 100
    return pixels


@dataclass
class FakeCamera:
    """Frames 100 ms apart by their stamps, as fast as they are taken; says when it gives one.

    Each has grain of its own, so that none looks still.
    """

    shots: list[list[PasserBy]]
    before: Mapping[int, Callable[[], None]] = field(default_factory=dict)
    """What happens just before a frame, by its number."""
    gap_s: Mapping[int, float] = field(default_factory=dict)
    """Seconds that pass before a frame, beyond the 100 ms."""
    given: list[Frame] = field(default_factory=list)
    stopped: bool = False

    @contextmanager
    def running(self) -> Iterator[Iterator[Frame]]:
        try:
            yield self._frames()
        finally:
            self.stopped = True

    def _frames(self) -> Iterator[Frame]:
        at_ns = time.monotonic_ns()
        for number, people in enumerate(self.shots):
            self.before.get(number, lambda: None)()
            at_ns += 100_000_000 + int(self.gap_s.get(number, 0) * 1e9)
            self.given.append(Frame(scene(people, number), at_ns))
            yield self.given[-1]


class FakeDetector(Detector):
    """Finds the passers-by of each shot."""

    def __init__(
        self, shots: list[list[PasserBy]], before: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(())
        self._shots = iter(shots)
        self._before = before

    def find(self, pixels: Pixels) -> list[Face]:
        self._before()
        return [face_of(one) for one in next(self._shots)]


class FakeEmbedder(Embedder):
    """Tells people by the colour in which they glow."""

    def __init__(self, before: Mapping[int, Callable[[], None]] | None = None) -> None:
        self._before = before or {}
        self.made = 0
        self.sides: list[Side] = []

    @property
    def runtime(self) -> str:
        return "fake 1"

    def template(self, chip: Chip, side: Side = Side.BOTH) -> Template:
        self.sides.append(side)
        self._before.get(self.made, lambda: None)()
        self.made += 1
        return template_of(int(chip.pixels.reshape(-1, 3).mean(axis=0).argmax()))


def template_of(who: int) -> Template:
    vector = np.zeros(DIM, np.int8)
    vector[who] = 127
    return Template(vector)


def eye(shots: list[list[PasserBy]], embedder: FakeEmbedder | None = None) -> Eye:
    return Eye(MANIFEST, FakeDetector(shots), embedder or FakeEmbedder())
