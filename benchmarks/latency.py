"""Time a passer-by from first sight to the opened event: real programs on the demo's street.

Both people of the street are on the list. Each run of the scene makes one event of each, because
the pauses of their entries are forgotten between the runs. The times are CLOCK_MONOTONIC of this
machine: from the first frame with the face to the event that a reviewer's key opened. They depend
on what else the machine does.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.cpu_time import Spread
from benchmarks.table import Column, Table, options
from hil_tests.demo.figures import Opened
from hil_tests.demo.run import Run
from hil_tests.rig.desk.programs import choose_port
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import list_person, make_site, publish_list
from hil_tests.scenes.portraits import Person, portrait
from hil_tests.scenes.sources import STREET

RUNS: Final = 4
PERCENTS: Final = (50, 95)


@dataclass(frozen=True, slots=True)
class Waits:
    """What of the time of an event is measured, in ms until it was opened."""

    name: str
    member: str


WAITS: Final = (
    Waits("first sight", "first_sight_ms"),
    Waits("deciding frame", "deciding_ms"),
    Waits("clearest look", "clearest_ms"),
)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="of the street, 12.5 s each")
    arguments = parser.parse_args()
    columns = [Column(f"p{percent} ms") for percent in PERCENTS]
    table = Table("until an event is opened, from its", columns, ["paho-mqtt", "ai-edge-litert"])
    opened = events(arguments.runs)
    table.note(f"{len(opened)} events.")
    for wait in WAITS:
        table.add(wait.name, *(_percentile(opened, wait.member, one) for one in PERCENTS))
    for percent in PERCENTS:
        reached = _percentile(opened, "first_sight_ms", percent)
        table.figure(f"first_sight_ms_p{percent}", Spread.of([reached]))
    table.finish(arguments.json)


def events(runs: int) -> list[Opened]:
    """Play the street so many times; return the events that a reviewer's key opened."""
    opened: list[Opened] = []
    with TemporaryDirectory(prefix="tallylight-bench-") as folder:
        desk = DeskSite(Path(folder) / "desk", choose_port(0))
        make_site(desk)
        handle, _ = (list_person(desk, portrait(person)) for person in Person)
        publish_list(desk)
        for _ in range(runs):
            (desk.camera / "watch" / "pauses").unlink(missing_ok=True)
            run = Run(desk, handle)
            run.play(STREET, lambda _: None)
            opened += run.seen.opened
    return opened


def _percentile(opened: list[Opened], member: str, percent: int) -> float:
    """Return a percentile of the events' times, between two neighbours where it lies there."""
    times = sorted(float(getattr(one, member)) for one in opened)
    return quantiles([*times, *times], n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
