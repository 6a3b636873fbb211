"""Time writing card images beside `bmaptool`, which does not read back on its own.

Both write the same drawn image onto files and read it back past the page cache: `tallylight flash`
in one command, bmaptool with a second run that reads the card (`bmaptool copy CARD /dev/null`),
which may be answered from the page cache. Interleaved; CPU seconds are those of the processes.
Files stand for cards: no memory card was measured.
"""

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from benchmarks.table import Column, Table, options

MAPPED_MIB: Final = 111
"""As in the image of the virtual camera."""
IMAGE_BYTES: Final = 2 << 30
PIECE_MIB: Final = 37
"""The image has three mapped pieces, far from one another."""
COLUMNS: Final = (Column("seconds", ",.2f"), Column("CPU seconds", ",.2f"), Column("MiB/s"))


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    table = Table(f"an image of 2 GiB with {MAPPED_MIB} MiB of data", COLUMNS)
    with TemporaryDirectory(prefix="tallylight-bench-", dir=Path.cwd() / "build") as folder:
        image = _draw_image(Path(folder) / "card.img")
        one, four = ([str(Path(folder) / f"card-{n}") for n in range(k)] for k in (1, 4))
        runs = {
            "tallylight flash, 1 card, read back": [_ours(image, one)],
            "bmaptool, 1 card, and again to read back": _peer(image, one[0]),
            "tallylight flash, 4 cards at once, read back": [_ours(image, four)],
        }
        spent = {name: [] for name in runs}  # type: dict[str, list[tuple[float, float]]]
        for _ in range(arguments.rounds):
            for name, commands in runs.items():
                for card in four:
                    Path(card).unlink(missing_ok=True)
                spent[name].append(_timed(commands))
        for name, times in spent.items():
            cards = 4 if "4 cards" in name else 1
            wall = median(each[0] for each in times)
            table.add(name, wall, median(each[1] for each in times), cards * MAPPED_MIB / wall)
    table.finish(arguments.json)


def _draw_image(path: Path) -> Path:
    drawn = np.random.default_rng(0)
    with path.open("wb") as file:
        for piece in range(MAPPED_MIB // PIECE_MIB):
            file.seek(piece * (500 << 20))
            file.write(drawn.bytes(PIECE_MIB << 20))
        file.truncate(IMAGE_BYTES)
    _run([_bmaptool(), "create", "-o", f"{path}.bmap", str(path)])
    return path


def _bmaptool() -> str:
    program = shutil.which("bmaptool")
    if program is None:
        sys.exit("bmaptool is missing: install the package bmap-tools.")
    return program


def _ours(image: Path, cards: Sequence[str]) -> list[str]:
    names = " ".join(Path(card).name for card in cards)
    program = [sys.executable, "-m", "provisioning", "flash"]
    return [*program, str(image), *cards, "--confirm", names]


def _peer(image: Path, card: str) -> list[list[str]]:
    both = [_bmaptool(), "copy", "--bmap", f"{image}.bmap"]
    return [[*both, str(image), card], [*both, card, "/dev/null"]]


def _timed(commands: Sequence[Sequence[str]]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for command in commands:
        _run(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return time.perf_counter() - began, cpu


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # The two programs above.


if __name__ == "__main__":
    main()
