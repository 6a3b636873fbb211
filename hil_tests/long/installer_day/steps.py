"""The table of the day: each step, the form of its camera, its time, and what was seen."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table


@dataclass(slots=True)
class Step:
    """One step of the day."""

    name: str
    form: str
    """Where it ran: the desk, a file, the container form, or the virtual machine."""
    seconds: float = 0.0
    seen: str = "not ended"


@dataclass(slots=True)
class Steps:
    """All steps so far, and the moments of the power cuts."""

    seed: int
    power_cuts: int
    done: list[Step] = field(default_factory=list)
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)

    @contextmanager
    def step(self, name: str, form: str) -> Iterator[Step]:
        """Time a step; the block says what was seen."""
        step = Step(name, form)
        self.done.append(step)
        print(f"{time.strftime('%H:%M:%S')}  {name} ({form})", flush=True)
        began_s = time.monotonic()
        try:
            yield step
        finally:
            step.seconds = time.monotonic() - began_s
            print(f"          {step.seen}, {step.seconds:.0f} s", flush=True)

    def moment(self, low_s: float, high_s: float) -> float:
        """Return a random moment between two, in seconds."""
        return float(self.random.uniform(low_s, high_s))

    def cuts(self, share: int, shares: int) -> int:
        """Return how many of the power cuts fall to one of several parts of the day."""
        return self.power_cuts // shares + (share < self.power_cuts % shares)

    def print(self) -> None:
        """Print the table."""
        table = Table("Step", "Form", "Seconds", "Seen", title=f"seed {self.seed}")
        for one in self.done:
            table.add_row(one.name, one.form, f"{one.seconds:.0f}", one.seen)
        total = sum(one.seconds for one in self.done)
        table.add_section()
        table.add_row("all of it", "", f"{total:.0f}", f"{self.power_cuts} power cuts")
        Console(width=120).print(table)
