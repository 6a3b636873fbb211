"""Time what a camera does when a list of 1 to 100,000 entries arrives, and weigh its memory.

A site with so many entries is published as two organisations would sign it, with drawn templates.
Then a process of its own for each size proves the signatures, opens and checks the files, and
prepares the search. The peak memory is that of this process after its first turn.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from benchmarks.machine import peak_mib
from benchmarks.materials import DIM
from benchmarks.table import Column, Table, options
from benchmarks.timing import least_ms
from firmware.tests.desk import NOW, NOW_S, THIS_CAMERA, Desk, entry, usual_policy
from firmware.trust.watchlist import accept_list
from formats.casefile import CaseFile
from formats.entry import Entry
from formats.entry_columns import entries_of
from formats.site_tuf import SignedSite, verify_repository
from formats.watchlist import Body, write_body
from recognition.gallery import Gallery
from recognition.template import PEAK, Template

SIZES: Final = (1, 100, 10_000, 100_000)
ROUNDS: Final = 5
NECESSITIES: Final = 1000
"""Different reasons, each of one line: in a long list the same reason stands more than once."""

COLUMNS: Final = (
    Column("case file MB", ",.2f"),
    Column("signatures ms"),
    Column("open and check ms"),
    Column("prepare ms"),
    Column("one search ms", ",.2f"),
    Column("peak MiB", ",.0f"),
)


def main() -> None:
    """Measure each size in a process of its own, and print."""
    parser = options(__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="entries of each list"
    )
    parser.add_argument("--published", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.published:
        sys.stdout.write(json.dumps(measure(arguments.published)))
        return
    table = Table(f"list, least of {ROUNDS} rounds", COLUMNS, ["numpy", "pynacl", "tuf"])
    for size in arguments.sizes:
        table.add(f"list of {size:,}", *_measured_apart(size).values())
    table.finish(arguments.json)


def _measured_apart(size: int) -> Mapping[str, float]:
    """Return what a process of its own measures for a list of one size."""
    with TemporaryDirectory() as folder:
        publish(Path(folder), size)
        command = [sys.executable, "-m", "benchmarks.list", "--published", folder]
        said = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - this program
    row: dict[str, float] = json.loads(said.stdout)
    return row


def publish(folder: Path, size: int) -> None:
    """Publish a list of `size` entries into a folder, signed by two organisations."""
    drawn = np.random.default_rng(size)
    people = [_person(handle, drawn) for handle in sorted({drawn.bytes(16) for _ in range(size)})]
    templates = drawn.integers(-127, 128, (size, DIM), np.int8)
    templates[:, 0] = PEAK
    body = Body(DIM, b"".join(one.handle for one in people), templates.tobytes())

    def amend(case: CaseFile) -> CaseFile:
        return replace(case, dim=DIM, entries=entries_of(people))

    desk = Desk(
        policy=replace(usual_policy(), cap=SIZES[-1]),
        amend_body=lambda _: write_body(body),
        amend_case=amend,
    )
    (folder / "root.json").write_bytes(desk.root)
    desk.publish(folder / "inbox")


def measure(folder: Path) -> dict[str, float]:
    """Return what a camera needs for the list in `folder`, in the order of `COLUMNS`."""
    root = (folder / "root.json").read_bytes()

    def prove() -> SignedSite:
        with TemporaryDirectory() as trusted:
            inbox = folder / "inbox"
            return verify_repository(
                lambda name: (inbox / name).open("rb"), Path(trusted), root=root, now=NOW
            )

    site = prove()
    watchlist = accept_list(site, THIS_CAMERA, NOW)
    handles = np.frombuffer(watchlist.handles, np.uint8).reshape(-1, 16)
    templates = np.frombuffer(watchlist.templates, np.int8).reshape(-1, DIM)
    gallery = Gallery(handles, templates)
    memory_mib = peak_mib()
    probe = Template(templates[-1])
    return {
        "case_mb": len(site.casefile) / 1e6,
        "signatures_ms": least_ms(prove, ROUNDS),
        "accept_ms": least_ms(lambda: accept_list(site, THIS_CAMERA, NOW), ROUNDS),
        "prepare_ms": least_ms(lambda: Gallery(handles, templates), ROUNDS),
        "search_ms": least_ms(lambda: gallery.best(probe), ROUNDS),
        "peak_mib": memory_mib,
    }


def _person(handle: bytes, drawn: np.random.Generator) -> Entry:
    why = f"Nothing else found them, as the file of week {drawn.integers(NECESSITIES)} says."
    return replace(
        entry(1),
        handle=handle,
        necessity=why,
        case_digest=drawn.bytes(32),
        added_utc_s=NOW_S - int(drawn.integers(1, 86400)),
    )


if __name__ == "__main__":
    main()
