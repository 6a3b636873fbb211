"""Several cards at once: one thread each; a card that fails or hangs does not stop the others.

Python cannot end a thread that waits in the kernel for a card. Such a card is reported after
`SILENT_S` seconds, and its thread ends with the process.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Final

from formats.errors import Refused
from provisioning.flash.block_devices import Target
from provisioning.flash.card import Progress, write_card
from provisioning.flash.image import CardImage

SILENT_S: Final = 120.0
"""Longest time without progress, in seconds; a worn card pauses for tens of seconds."""
Write = Callable[[CardImage, Target, Progress], bool]
LOOK_S: Final = 0.1
"""How often the screen is told, in seconds."""


@dataclass(slots=True)
class Work:
    """What one card's thread does. The thread writes it under the lock; the screen reads it."""

    target: Target
    phase: str = "waiting"
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    moved: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    written: bool | None = None
    """True: written. False: the card held the image already. None: not finished, or failed."""
    failure: str = ""
    lock: Lock = field(default_factory=Lock)

    @property
    def finished(self) -> bool:
        """Return whether this card is done with, well or not."""
        return self.written is not None or bool(self.failure)

    def progress(self, phase: str, done: int) -> None:
        """Note how far the card is."""
        with self.lock:
            self.phase, self.done, self.moved = phase, done, time.monotonic()

    def end(self, *, written: bool | None = None, failure: str = "") -> None:
        """Note how the card ended; the first end counts."""
        with self.lock:
            if not self.finished:
                self.written, self.failure = written, failure
                self.seconds = time.monotonic() - self.began
                self.phase = "failed" if failure else "done"


def write_cards(
    image: CardImage,
    targets: Sequence[Target],
    show: Callable[[Sequence[Work]], None],
    *,
    write: Write = write_card,
    silent_s: float = SILENT_S,
) -> list[Work]:
    """Write the image onto all cards at once, and return how each ended.

    Args:
        image: what is written.
        targets: the cards.
        show: called ten times a second, and once at the end.
        write: writes one card.
        silent_s: after how many seconds without progress a card is given up.
    """
    works = [Work(target) for target in targets]
    for work in works:
        Thread(target=_write, args=(write, image, work), daemon=True).start()
    while not all(work.finished for work in works):
        time.sleep(LOOK_S)
        for work in works:
            if time.monotonic() - work.moved > silent_s:
                work.end(failure=f"no answer for {silent_s:.0f} s: pull the card out.")
        show(works)
    show(works)
    return works


def _write(write: Write, image: CardImage, work: Work) -> None:
    try:
        work.end(written=write(image, work.target, work.progress))
    except Refused as error:
        work.end(failure=str(error))
    except OSError as error:
        work.end(failure=f"{error.strerror or error}: put the card in again, or take another.")
    except Exception as error:  # noqa: BLE001  # One card's fault is that card's; the table says it.
        work.end(failure=f"{type(error).__name__}: {error}")
