"""Blink a code with the lamp, and write down what the sense line says meanwhile.

The lamp blinks in groups, slowly enough to be counted: 0.2 s lit, 0.2 s dark, 1.5 s dark between
two groups. The sense line is read every 10 ms. Nothing is judged here: `formats.lamp_record` says
what a lamp that works looks like. The guard must not run meanwhile: who blinks holds its lock.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from firmware.guard.interlock import SETTLE_S
from firmware.hardware.pins import Pins
from formats.lamp_record import Edge

LIT_S: Final = 0.2
"""A blink, and the dark time after it: five in two seconds can be counted aloud."""
PAUSE_S: Final = 1.5
"""Dark between two groups: more than `formats.lamp_record.GROUP_PAUSE_MS`."""
TICK_S: Final = 0.01


@dataclass(slots=True)
class Seen:
    """What the sense line said."""

    edges: list[Edge] = field(default_factory=list)
    samples: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    """Readings by how the lamp was driven, without those of the first 20 ms of a phase."""
    sensed: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    """Those of them that said current."""

    def note(self, at_s: float, *, driven: bool, sensed: bool, settled: bool) -> None:
        """Take one reading."""
        before = self.edges[-1].lit if self.edges else False
        if sensed is not before:
            self.edges.append(Edge(round(1000 * at_s), sensed))
        if settled:
            self.samples[driven] += 1
            self.sensed[driven] += sensed


def blink(
    pins: Pins,
    code: tuple[int, ...],
    *,
    now: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Seen:
    """Blink the groups of a code once, and return what the sense line said; leave the lamp dark.

    Args:
        pins: the lamp's two lines.
        code: how often the lamp blinks in each group.
        now: seconds that never go back.
        wait: waits so many seconds.
    """
    seen, begun_s = Seen(), now()
    try:
        for lit, length_s in _phases(code):
            pins.drive(high=lit)
            since_s = now()
            while now() - since_s < length_s:
                wait(TICK_S)
                settled = now() - since_s > SETTLE_S
                sensed = pins.senses_current()
                seen.note(now() - begun_s, driven=lit, sensed=sensed, settled=settled)
    finally:
        pins.drive(high=False)
    return seen


def _phases(code: tuple[int, ...]) -> Iterator[tuple[bool, float]]:
    yield False, PAUSE_S
    for blinks in code:
        for _ in range(blinks):
            yield True, LIT_S
            yield False, LIT_S
        yield False, PAUSE_S - LIT_S
