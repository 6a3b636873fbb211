"""A camera and a laptop for the tests of a registration: each can lose its power at any moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nacl.signing import SigningKey

from firmware.config import State
from firmware.registration.session import HELLO_S, Session
from formats.board import BoardKey
from hil_tests.rig.simulated_cable import SimulatedLamp, desk_terms, simulated_board
from provisioning.registration.exchange import Ask, Exchange, Terms
from provisioning.site.folder import Site
from provisioning.site.registrations import Manifest

ROOT = b"the first root"
INSTALLER = SigningKey(bytes([90]) * 32)
TERMS = desk_terms(ROOT)
STEPS = ("hello", "look", "acceptance", "record")


@dataclass
class Camera:
    """A camera that is new."""

    folder: Path
    serial: str
    key: BoardKey = BoardKey.NONE
    lamp: SimulatedLamp = field(default_factory=SimulatedLamp)
    now_s: float = 0.0
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    @property
    def state(self) -> State:
        return State(self.folder / self.serial)

    def start(self) -> None:
        """Start with what is on the disk, as after a power cut."""
        board = simulated_board(self.serial, key=self.key)
        blinks = self.lamp.blinker()
        self.session = Session(self.state, board, ROOT, blinks, lambda: self.now_s)

    def ask(self, message: bytes) -> bytes:
        """Answer a message; each takes as long as a person needs."""
        self.now_s += HELLO_S
        return self.session.answer(message)


@dataclass
class Laptop:
    """An installer's laptop."""

    folder: Path
    terms: Terms = TERMS
    key: SigningKey = INSTALLER

    def exchange(self, serial: str) -> Exchange:
        """Return a camera's exchange from what is on the disk, as after a power cut."""
        return Exchange(self.manifest(), self.terms, serial, "bench")

    def manifest(self) -> Manifest:
        return Manifest(Site(self.folder), self.key)


def register(exchange: Exchange, ask: Ask) -> None:
    """Take every step, with a person who reads right."""
    if exchange.resume(ask):
        return
    exchange.greet(ask)
    if not exchange.is_seen:
        exchange.show(ask)
        exchange.check_code(exchange.code)
    exchange.finish(ask)


def changed(ask: Ask, number: int, change: Callable[[bytes], bytes], *, answer: bool) -> Ask:
    """Return a line that changes its message, or answer, of this number."""
    count = [-1]

    def asked(message: bytes) -> bytes:
        count[0] += 1
        if count[0] != number:
            return ask(message)
        return change(ask(message)) if answer else ask(change(message))

    return asked
