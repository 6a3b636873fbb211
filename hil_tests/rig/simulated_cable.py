"""Register a camera of the desk over a simulated cable: its own session, a lamp of two numbers.

Camera and laptop run the code that ships; messages pass as function calls, and the lamp blinks on a
virtual clock. The board says that its key is not kept (`none`), so the record is one for training.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware.config import State
from firmware.guard.blinks import Seen, blink
from firmware.hardware.edges import Edges
from firmware.registration.session import Session
from formats.board import Board, BoardKey
from formats.signer import Ed25519Signer
from provisioning.broker.certificates import Authority, requested_key
from provisioning.registration.exchange import Exchange, Terms
from provisioning.site.folder import Site
from provisioning.site.registrations import Manifest


@dataclass(slots=True)
class SimulatedLamp:
    """A lamp whose current follows at once, and a clock that only waiting moves."""

    now_s: float = 0.0
    driven: bool = False
    wire_cut: bool = False
    tied_high: bool = False
    edges: Edges | None = None
    changes: list[tuple[int, bool]] = field(default_factory=list)
    """(milliseconds, light) as a person sees it."""

    def drive(self, *, high: bool) -> None:
        """Switch the lamp."""
        if high is not self.driven and not self.wire_cut:
            self.changes.append((round(1000 * self.now_s), high))
        self.driven = high

    def senses_current(self) -> bool:
        """Return whether current flows."""
        return self.tied_high or (self.driven and not self.wire_cut)

    def sees_light(self) -> bool | None:
        """Return that there is no photodiode."""
        return None

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds

    def blinker(self) -> Callable[[tuple[int, ...]], Seen]:
        """Return what lets this lamp blink a code."""
        return partial(blink, self, now=lambda: self.now_s, wait=self.wait)


def simulated_board(serial: str, *, key: BoardKey = BoardKey.NONE) -> Board:
    """Return a board of the desk; its MAC address is made of its serial number."""
    mac = b"\x02" + sha256(serial.encode()).digest()[:5]
    return Board(serial, mac, "desk", key, "desk", bytes(32), bytes(32), 0)


def desk_terms(root: bytes, *, site: str = "desk", training: bool = True) -> Terms:
    """Return terms with an authority of their own."""
    authority = Authority(Ed25519PrivateKey.generate(), f"Tallylight {site}", datetime.now(UTC))
    return Terms(
        site=site,
        root=root,
        authority=authority.authority_certificate(),
        certify=lambda name, csr: authority.client_certificate(name, requested_key(csr)),
        broker_host="localhost",
        broker_port=8883,
        now=lambda: datetime.now(UTC),
        training=training,
    )


def register_on_desk(
    state: State, root: bytes, folder: Path, installer: Ed25519Signer, terms: Terms | None = None
) -> None:
    """Register the camera of a state folder, as an installer does with a person who looks.

    Args:
        state: the camera's.
        root: the site's first root, as the camera's image has it.
        folder: of the site, or any other: the manifest goes there.
        installer: signs the record.
        terms: what the camera gets.
    """
    serial = sha256(str(state.root).encode()).hexdigest()[:16]
    session = Session(state, simulated_board(serial), root, SimulatedLamp().blinker())
    manifest = Manifest(Site(folder), installer)
    exchange = Exchange(manifest, terms or desk_terms(root), serial, "desk")
    exchange.greet(session.answer)
    exchange.show(session.answer)
    exchange.check_code(exchange.code)
    exchange.finish(session.answer)
