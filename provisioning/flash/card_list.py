"""The list of cards that were written: JSON lines, so that a batch resumes after a power cut.

Before a card is written, a line says so with the place of its reader; after it was read back, a
second line does. A card whose reader has an unfinished line and that turns out to hold the image
was finished by a run that was killed before its second line: it counts now. A card that holds the
image and has no such line is one that was counted before: the person put the same card in again,
and the second line says that. One run at a time uses a list.
"""

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from formats.whole_file import append_whole
from provisioning.errors import FlashRefused
from provisioning.flash.batch import Work
from provisioning.flash.block_devices import Target
from provisioning.foreign_file import read_foreign

LIST_LIMIT: Final = 16 << 20
"""Most bytes of a list: about 50,000 cards."""
WRITING: Final = "writing"
WRITTEN: Final = "written"
COUNTED_BEFORE: Final = "counted before"


@dataclass(slots=True)
class CardList:
    """How many cards hold the image, and which readers have a card that was not finished."""

    path: Path
    image: str
    """The image's digest, in hexadecimal."""
    written: int = 0
    unfinished: set[str] = field(default_factory=set)

    def begin(self, targets: list[Target]) -> None:
        """Note that these cards are written now; on disk when it returns."""
        self._append([(WRITING, target) for target in targets])

    def finish(self, works: list[Work]) -> list[Work]:
        """Note the cards that hold the image now; return those that were counted before."""
        before = [w for w in works if w.written is False and w.target.reader not in self.unfinished]
        counted = [w for w in works if w.written is not None and w not in before]
        self._append(
            [(WRITTEN, work.target) for work in counted]
            + [(COUNTED_BEFORE, work.target) for work in before]
        )
        self.written += len(counted)
        for work in works:
            change = self.unfinished.add if work.failure else self.unfinished.discard
            change(work.target.reader)
        return before

    def _append(self, steps: list[tuple[str, Target]]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        lines = "".join(
            json.dumps(
                {
                    "step": step,
                    "image": self.image,
                    "reader": target.reader,
                    "model": target.model,
                    "serial": target.serial,
                    "bytes": target.size,
                    "at": now,
                }
            )
            + "\n"
            for step, target in steps
        )
        append_whole(self.path, lines.encode())


@contextmanager
def open_list(path: Path, image: bytes) -> Generator[CardList]:
    """Yield the list at `path`, or an empty one; no other run uses it during the block.

    Args:
        path: the list.
        image: the digest of the image that is written now. Cards of another image do not count.

    Raises:
        FlashRefused: it is no list of cards, or another run uses it.
        FileRefused: it is no plain file, or too large.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path.parent / f".{path.name}.lock", flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield _read(path, image)
    except BlockingIOError as error:
        raise FlashRefused(
            f"Another tallylight flash counts in {path}: let it end, or name another --list."
        ) from error
    finally:
        os.close(descriptor)


def _read(path: Path, image: bytes) -> CardList:
    found = CardList(path, image.hex())
    try:
        content = read_foreign(path.parent, path.name, limit=LIST_LIMIT)
    except FileNotFoundError:
        return found
    for number, line in enumerate(content.splitlines(), 1):
        try:
            step = json.loads(line)
            if step["image"] == found.image:
                _take(found, str(step["step"]), str(step["reader"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FlashRefused(
                f"Line {number} of {path} is of no list of cards: name another file with --list."
            ) from error
    return found


def _take(found: CardList, step: str, reader: str) -> None:
    if step == WRITING:
        found.unfinished.add(reader)
    elif step == WRITTEN:
        found.written += 1
        found.unfinished.discard(reader)
    elif step == COUNTED_BEFORE:
        found.unfinished.discard(reader)
    else:
        raise ValueError(step)
