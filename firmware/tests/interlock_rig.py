"""An interlock with a simulated lamp, on a clock that the test moves."""

from dataclasses import dataclass, field

from firmware.guard.interlock import Change, Interlock, State
from firmware.tests.fakes import Bulb

TICK_S = 0.01


@dataclass
class Rig:
    """An interlock whose lamp is driven after every tick, as the guard does it."""

    bulb: Bulb = field(default_factory=Bulb)
    now_s: float = 1000.0
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.interlock = Interlock(self.now_s, on_change=self.changes.append)

    @property
    def state(self) -> State:
        return self.interlock.state

    def step(self, by_s: float = TICK_S) -> None:
        self.now_s += by_s
        self.interlock.tick(
            self.now_s, sensed=self.bulb.senses_current(), seen=self.bulb.sees_light()
        )
        self.bulb.drive(high=self.interlock.lamp)

    def blinked(self) -> bool:
        """Take a step and return whether the lamp shines after it."""
        self.step()
        return self.bulb.driven

    def run(self, for_s: float) -> None:
        for _ in range(round(for_s / TICK_S)):
            self.step()

    def beat(self, for_s: float) -> None:
        for _ in range(round(for_s / TICK_S)):
            self.step()
            self.interlock.beat()

    def armed(self) -> "Rig":
        self.run(0.3)
        self.interlock.ask()
        return self

    def lit(self) -> "Rig":
        self.armed().run(0.15)
        return self
