"""How long a camera takes over a list: verify, open, validate, at 1 to 100,000 entries.

Printed by `make bench-list`, with the machine it ran on. Peak memory is of a process of its own for
each size. The case file has room for 10,000 entries; the body alone is timed at 100,000.
"""

import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256

import numpy as np
import typer
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from formats.casefile import CaseFile, Entry, PictureQuality, read_casefile, write_casefile
from formats.envelope import Kind, Origin, TimeQuality, open_sealed, read, seal, verify
from formats.errors import TooLarge
from formats.watchlist import Body, read_body, write_body

SIZES = (1, 100, 10_000, 100_000)
DIM = 128
ROUNDS = 5


def best_ms(step: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return 1000 * min(times)


def entry(handle: bytes) -> Entry:
    return Entry(
        handle,
        "Example Police",
        "Inspector",
        "Superintendent",
        "missing person",
        "Some Act",
        "Nothing else found them.",
        bytes(32),
        "Family",
        PictureQuality(200, 80, 30, 50),
        minor=False,
        vulnerable=False,
        added_utc_s=1_700_000_000,
        expires_utc_s=1_800_000_000,
        review_utc_s=1_790_000_000,
    )


def measure(size: int) -> dict[str, float | int | None]:
    """All steps for one size, in milliseconds, and peak memory in MB."""
    generator = np.random.default_rng(size)
    names = sorted({generator.bytes(16) for _ in range(size)})
    body = write_body(Body(DIM, b"".join(names), generator.bytes(size * DIM)))
    found: dict[str, float | int | None] = {"entries": size, "body_bytes": len(body)}
    found["body_ms"] = best_ms(lambda: read_body(body))
    sealer, camera = SigningKey.generate(), PrivateKey.generate()
    origin = Origin(bytes(16), 1, 1, TimeQuality.SYNCHRONISED, bytes(32))
    try:
        sealed = seal(
            Kind.LIST, body, sender=sealer, recipients=[camera.public_key], origin=origin
        ).blob
        found["digest_ms"] = best_ms(lambda: sha256(sealed).digest())
        found["open_ms"] = best_ms(
            lambda: open_sealed(verify(read(Kind.LIST, sealed), sealer.verify_key), camera)
        )
    except (TooLarge, ValueError):
        found["digest_ms"] = found["open_ms"] = None
    found["case_ms"] = None
    if size <= 10_000:
        case = CaseFile(
            "bench",
            1,
            1_750_000_000,
            1_750_500_000,
            bytes(32),
            bytes(32),
            bytes(32),
            DIM,
            tuple(entry(name) for name in names),
        )
        content = write_casefile(case)
        found["case_ms"] = best_ms(lambda: read_casefile(content))
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def main() -> None:
    """Print the table; with a number, measure that one size."""
    if len(sys.argv) > 1:
        typer.echo(json.dumps(measure(int(sys.argv[1]))))
        return
    typer.echo(
        f"{platform.machine()}, Python {platform.python_version()}, {DIM} dimensions, best of "
        f"{ROUNDS}; milliseconds"
    )
    typer.echo(f"{'entries':>9}{'sha256':>9}{'open':>9}{'body':>9}{'case file':>11}{'peak MB':>9}")
    for size in SIZES:
        said = subprocess.run(
            [sys.executable, __file__, str(size)], check=True, capture_output=True
        )
        row = json.loads(said.stdout)
        cells = [row[name] for name in ("digest_ms", "open_ms", "body_ms", "case_ms")]
        shown = ["-" if cell is None else f"{cell:.1f}" for cell in cells]
        typer.echo(
            f"{size:>9,}{shown[0]:>9}{shown[1]:>9}{shown[2]:>9}{shown[3]:>11}{row['peak_mb']:>9}"
        )


if __name__ == "__main__":
    main()
