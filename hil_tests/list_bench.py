"""How long a camera takes over a published list of 1 to 100,000 entries: `make bench-list`.

A site with so many entries is published as the tests' desk does it, with made-up templates. Then a
process of its own for each size does what a camera does when a list arrives: it proves the
signatures, opens and checks the files, and prepares the search. Peak memory is that process's.
"""

import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import typer

from firmware.tests.desk import NOW, NOW_S, THIS_CAMERA, Desk, entry, usual_policy
from firmware.watchlist import accept_list
from formats.casefile import CaseFile
from formats.entries import entries_of
from formats.entry import Entry
from formats.site_tuf import collect
from formats.watchlist import Body, write_body
from recognition.gallery import Gallery
from recognition.template import PEAK, Template

SIZES: Final = (1, 100, 10_000, 100_000)
DIM: Final = 128
ROUNDS: Final = 5
NECESSITIES: Final = 1000
"""Different reasons, each of a line: a long list gives the same reason more than once."""


def main() -> None:
    """Print the table; with a folder, measure what was published there."""
    if len(sys.argv) > 1:
        typer.echo(json.dumps(measure(Path(sys.argv[1]))))
        return
    typer.echo(
        f"{platform.machine()}, Python {platform.python_version()}, {DIM} dimensions, one picture "
        f"each; best of {ROUNDS}, in ms; peak memory of the whole process after the first"
    )
    typer.echo(
        f"{'entries':>9}{'case file':>12}{'signatures':>12}{'open, check':>13}{'prepare':>9}"
        f"{'one search':>12}{'peak':>8}"
    )
    for size in SIZES:
        with TemporaryDirectory() as folder:
            publish(Path(folder), size)
            command = [sys.executable, "-m", "hil_tests.list_bench", folder]
            said = subprocess.run(command, check=True, capture_output=True)
        row = json.loads(said.stdout)
        typer.echo(
            f"{size:>9,}{row['case_mb']:>9.2f} MB{row['signatures_ms']:>12.1f}"
            f"{row['accept_ms']:>13.1f}{row['prepare_ms']:>9.1f}{row['search_ms']:>12.2f}"
            f"{row['peak_mb']:>5} MB"
        )


def publish(folder: Path, size: int) -> None:
    """Publish a list of so many people as two organisations would sign it."""
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
    """What a camera needs for the list in `folder`, step by step."""
    root = (folder / "root.json").read_bytes()

    def prove() -> object:
        with TemporaryDirectory() as trusted:
            return collect(
                lambda name: (folder / "inbox" / name).open("rb"),
                Path(trusted),
                root=root,
                now=NOW,
            )

    with TemporaryDirectory() as trusted:
        site = collect(
            lambda name: (folder / "inbox" / name).open("rb"), Path(trusted), root=root, now=NOW
        )
    watchlist = accept_list(site, THIS_CAMERA, NOW)
    handles = np.frombuffer(watchlist.handles, np.uint8).reshape(-1, 16)
    templates = np.frombuffer(watchlist.templates, np.int8).reshape(-1, DIM)
    gallery = Gallery(handles, templates)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    probe = Template(templates[-1])
    return {
        "case_mb": len(site.casefile) / 1e6,
        "signatures_ms": best_ms(prove),
        "accept_ms": best_ms(lambda: accept_list(site, THIS_CAMERA, NOW)),
        "prepare_ms": best_ms(lambda: Gallery(handles, templates)),
        "search_ms": best_ms(lambda: gallery.best(probe)),
        "peak_mb": peak_mb,
    }


def best_ms(step: Callable[[], object]) -> float:
    """How long a step takes at its best."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return 1000 * min(times)


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
