"""Register the cameras of a bench: all cables side by side, and one camera blinks at a time.

Each cable has its thread: it asks who is there, greets, waits for its turn to blink, and finishes.
The lock of looking lets one camera blink while all others are dark, so a person never doubts which
one it is. The label is printed before the next camera blinks; a printer that fails undoes nothing,
and the row says it. A cable whose camera is registered waits for the next one. What is refused
stays in its row, with its sentence, and is tried again. A camera whose lamp does not work gets no
further turn until it was switched off, because each turn keeps all others waiting.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Event, Lock
from typing import Final

from formats.errors import Refused
from formats.registration_cable import RefusedByCamera
from formats.registration_record import Registration
from provisioning.registration.cable import Cable
from provisioning.registration.code_reader import CodeReader
from provisioning.registration.exchange import Exchange, Terms
from provisioning.site.registrations import Manifest

CABLES_LIMIT: Final = 64
"""Most cables at once: a site has 64 cameras at most."""
RETRY_S: Final = 2.0


MEND: Final = "Mend it, then switch this camera off and on."


class LampRefused(Refused):
    """The camera says that its lamp did not blink as it must."""


class Step(StrEnum):
    """Where one cable is; the first is shown on top."""

    LOOK = "look now"
    REFUSED = "refused"
    QUEUED = "waits for its turn"
    GREETED = "greeted"
    FINISHING = "gets its certificate"
    EMPTY = "no camera"
    DONE = "registered"


@dataclass(frozen=True, slots=True)
class Row:
    """One cable on the screen."""

    place: str
    serial: str = ""
    step: Step = Step.EMPTY
    since_s: float = 0.0
    """CLOCK_MONOTONIC of its last change."""
    sentence: str = ""


@dataclass(slots=True)
class Bench:
    """The cables, the installer's manifest, and the person who looks."""

    manifest: Manifest
    terms: Terms
    reader: CodeReader
    on_registered: Callable[[Registration], None]
    """Prints the label; called while no other camera blinks. May refuse, which undoes nothing."""
    on_change: Callable[[Sequence[Row]], None]
    """Shows the rows."""
    retry_s: float = RETRY_S
    stopped: Event = field(default_factory=Event)
    _rows: dict[str, Row] = field(default_factory=dict)
    _looking: Lock = field(default_factory=Lock)
    _changing: Lock = field(default_factory=Lock)
    _left: int = 0
    _broken: dict[str, frozenset[str]] = field(default_factory=dict)
    """By place: the camera whose lamp does not work, until it is switched off."""

    def run(self, cables: Sequence[Cable], count: int) -> None:
        """Register `count` cameras on these cables; `stopped` ends it before."""
        self._left = count
        for cable in cables:
            self._rows[cable.place] = Row(cable.place, since_s=time.monotonic())
        with ThreadPoolExecutor(min(len(cables), CABLES_LIMIT)) as threads:
            served = [threads.submit(self._serve, cable) for cable in cables[:CABLES_LIMIT]]
        for one in served:
            one.result()

    def _serve(self, cable: Cable) -> None:
        try:
            self._serve_until_stopped(cable)
        finally:  # After an error of this program all cables end.
            self.stopped.set()
            cable.hang_up()

    def _serve_until_stopped(self, cable: Cable) -> None:
        while not self.stopped.is_set():
            serials = cable.who()
            if serials != self._broken.get(cable.place):
                self._broken.pop(cable.place, None)
                self._serve_found(cable, serials)
            self.stopped.wait(self.retry_s)

    def _serve_found(self, cable: Cable, serials: frozenset[str]) -> None:
        if len(serials) == 1:
            self._try(cable, min(serials))
        elif serials:
            self._show(cable.place, Step.REFUSED, sentence=_two(serials))
        elif self._rows[cable.place].step is not Step.DONE:
            self._show(cable.place, Step.EMPTY)

    def _try(self, cable: Cable, serial: str) -> None:
        try:
            self._register(cable, serial)
        except LampRefused as error:
            self._broken[cable.place] = frozenset({serial})
            self._show(cable.place, Step.REFUSED, serial, str(error))
        except Refused as error:
            self._show(cable.place, Step.REFUSED, serial, str(error))
        except OSError as error:
            said = error.strerror or "it is silent"
            self._show(cable.place, Step.REFUSED, serial, f"The cable is lost ({said}).")

    def _register(self, cable: Cable, serial: str) -> None:
        exchange = Exchange(self.manifest, self.terms, serial, cable.place)
        if exchange.is_recorded:
            with self._looking:  # Its label is printed while no camera blinks.
                if exchange.resume(cable.ask):
                    self._end(cable, exchange)
                    return
        exchange.greet(cable.ask)
        self._show(cable.place, Step.GREETED, serial)
        self._show(cable.place, Step.QUEUED, serial)
        with self._looking:
            if self.stopped.is_set():
                return
            if not exchange.is_seen:
                self._look(cable, exchange)
            self._show(cable.place, Step.FINISHING, serial)
            exchange.finish(cable.ask)
            self._end(cable, exchange)

    def _look(self, cable: Cable, exchange: Exchange) -> None:
        """Have a person read the code.

        Raises:
            LampRefused: the camera says that its lamp does not work.
        """
        self._show(cable.place, Step.LOOK, exchange.serial)
        try:
            seen = self.reader.read(cable.place, exchange.serial, lambda: exchange.show(cable.ask))
        except RefusedByCamera as error:
            exchange.greet(cable.ask)  # A camera that has forgotten is no broken lamp.
            raise LampRefused(f"{error} {MEND}") from error
        exchange.check_code(seen)

    def _end(self, cable: Cable, exchange: Exchange) -> None:
        sentence = ""
        try:
            self.on_registered(exchange.registration)
        except Refused as error:
            sentence = str(error)
        self._show(cable.place, Step.DONE, exchange.serial, sentence)
        with self._changing:
            self._left -= 1
            if self._left <= 0:
                self.stopped.set()

    def _show(self, place: str, step: Step, serial: str = "", sentence: str = "") -> None:
        with self._changing:
            before = self._rows[place]
            row = replace(before, serial=serial, step=step, sentence=sentence)
            if row == before:
                return
            self._rows[place] = replace(row, since_s=time.monotonic())
            order = list(Step)
            rows = sorted(self._rows.values(), key=lambda one: (order.index(one.step), one.place))
            self.on_change(rows)


def _two(serials: frozenset[str]) -> str:
    return f"Two cameras hang on this link ({', '.join(sorted(serials))}): give each its own cable."
