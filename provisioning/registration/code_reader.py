"""Read the code that a camera blinks: numbers that a person types, or a photodiode in a dongle.

A reader lets the camera blink and returns how often it blinked in each of five groups. The
photodiode's dongle has not been built: its interface and a simulated one are here, and nobody has
read a lamp with it yet. What the numbers must be is not known to a reader.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Final, Protocol, TypeAlias

from formats.errors import Malformed
from formats.lamp_record import EDGES_LIMIT, Edge, blinks_of
from formats.registration import BLINKS, GROUPS

Blink: TypeAlias = Callable[[], None]
"""Lets the camera blink its code once; returns when it has."""
_SAMPLES_LIMIT: Final = 100_000
"""Most readings of one code: a minute at 1 kHz, and some more."""


class CodeReader(Protocol):
    """Reads one code."""

    def read(self, place: str, serial: str, blink: Blink) -> tuple[int, ...]:
        """Return how often the camera at a place blinked in each group."""


@dataclass(frozen=True, slots=True)
class TypedCode:
    """A person looks, and types five numbers."""

    ask: Callable[[str], str]
    """Shows a question and returns what was typed."""
    say: Callable[[str], None]
    """Shows a sentence before the camera blinks."""

    def read(self, place: str, serial: str, blink: Blink) -> tuple[int, ...]:
        """Let the camera blink until the person has typed five numbers of 1 to 16."""
        while True:
            self.say(f"Look at {place}, camera {serial}: it blinks in five groups now.")
            blink()
            typed = self.ask(
                f"The {GROUPS} numbers, 1 to {BLINKS}, as in 3 14 2 9 16 (nothing: see it again)"
            )
            numbers = [int(word) for word in typed.replace(",", " ").split() if word.isdecimal()]
            if len(numbers) == GROUPS and all(1 <= number <= BLINKS for number in numbers):
                return tuple(numbers)


class Photodiode(Protocol):
    """A light sensor before the lamp."""

    def samples(self) -> Iterator[tuple[int, bool]]:
        """Yield (milliseconds, light) until `stop`."""

    def stop(self) -> None:
        """End the samples."""


@dataclass(frozen=True, slots=True)
class SensedCode:
    """A photodiode looks."""

    sensor: Photodiode

    def read(self, place: str, serial: str, blink: Blink) -> tuple[int, ...]:  # noqa: ARG002
        """Return what the photodiode saw while the camera blinked.

        Raises:
            Malformed: it saw no code.
        """
        seen: list[Edge] = []
        with self._watching(seen):
            blink()
        return blinks_of(seen)

    @contextmanager
    def _watching(self, seen: list[Edge]) -> Iterator[None]:
        def watch() -> None:
            for number, (at_ms, lit) in enumerate(self.sensor.samples()):
                if lit is not (seen[-1].lit if seen else False):
                    seen.append(Edge(at_ms, lit))
                if number > _SAMPLES_LIMIT or len(seen) > EDGES_LIMIT:
                    return

        thread = Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.sensor.stop()
            thread.join()
        if len(seen) > EDGES_LIMIT:
            raise Malformed("The photodiode saw more than a lamp: shade it.")
