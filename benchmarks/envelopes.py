"""Time a sealed event: sealing, verification and opening, and the outbox with its fsync.

The figure that releases are compared by is the CPU time of sealing alone.
"""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from benchmarks.cpu_time import Spread, by_turns
from benchmarks.table import Table, options
from benchmarks.timing import SECONDS, SPREAD, Step, add_all
from firmware.delivery.marks import Link
from firmware.delivery.outbox import Outbox
from formats.envelope import Kind, Origin, Sealed, TimeQuality, open_sealed, seal, verify

SCRATCH: Final = Path(__file__).resolve().parents[1] / "build"
"""Inside the checkout, because the folder for temporary files can lie in memory only."""

REVIEWERS: Final = 2
ROUNDS: Final = 200
PAYLOAD_BYTES: Final = 25_000
"""Size of a match event with a face crop."""


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each row")
    arguments = parser.parse_args()
    table = Table("one event", SPREAD, ["pynacl"])
    add_all(table, _steps(), arguments.seconds)
    name, sealed = next(_steps())
    table.figure("seal_ms", Spread.of(by_turns({name: sealed}, ROUNDS)[name]))
    table.finish(arguments.json)


def _steps() -> Iterator[Step]:
    camera = SigningKey.generate()
    reviewers = [PrivateKey.generate() for _ in range(REVIEWERS)]
    keys = [one.public_key for one in reviewers]
    origin = Origin(bytes(16), 1, 1, TimeQuality.SYNCHRONISED, bytes(32))

    def sealed() -> Sealed:
        payload = bytes(PAYLOAD_BYTES)
        return seal(Kind.EVENT, payload, sender=camera, recipients=keys, origin=origin)

    event = sealed()
    yield f"seal for {REVIEWERS} reviewers", sealed
    yield "verify and open", lambda: open_sealed(verify(event, camera.verify_key), reviewers[0])
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        outbox, numbers = Outbox(Path(folder)), count(1)

        def put() -> None:
            number = next(numbers)
            outbox.put(event, Link(number, bytes(16), number, event.digest))

        yield "put durably into the outbox, on this disk", put


if __name__ == "__main__":
    main()
