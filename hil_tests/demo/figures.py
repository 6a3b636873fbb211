"""The figures of the demo's table, measured from outside the camera: counts, light, bytes, traces.

Counts come from the ledgers, light from the wires, inference from the witness, bytes from the tap,
and traces from a search of every file that the run left.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import quantiles

from formats.ledger import Happening, Record
from hil_tests.demo.tap import Tap
from hil_tests.rig.desk.pins import Board
from hil_tests.rig.desk.witness import Witness, files_with
from hil_tests.rig.desk_site import DeskSite


@dataclass(frozen=True, slots=True)
class Opened:
    """One event that a reviewer's key opened."""

    entry: str
    first_sight_ms: float
    """From the first frame with the face to the opened event."""
    deciding_ms: float
    """From the frame in which the vote was won."""
    clearest_ms: float
    """From the clearest look, which the event shows."""
    crop: str | None
    score_ppm: int
    threshold_ppm: int


@dataclass(slots=True)
class Evidence:
    """The measurements from outside while the programs run."""

    tap: Tap
    """All messages on the broker."""
    board: Board = field(default_factory=Board)
    """When the lamp's current was sensed."""
    witness: Witness = field(default_factory=Witness)
    """When the nets ran."""
    opened: list[Opened] = field(default_factory=list)
    """The events that a reviewer's key opened."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The demo's table and `report.json`."""

    frames: int
    faces: int
    refused: int
    """Faces too small, blurred, turned or badly lit to be compared."""
    candidates: int
    """Comparisons above the threshold."""
    events: int
    receipts: int
    opened: int
    listed_person_events: int | None
    """Null for a scene of the user's own: only a person can tell who walks in it."""
    unlisted_person_traces: int
    """Files with a template or a picture in the clear; in the drawn street also events about other
    people."""
    first_sight_ms_p50: float | None
    first_sight_ms_p95: float | None
    """From the first frame with the face to the opened event; null without an event."""
    deciding_ms_p50: float | None
    deciding_ms_p95: float | None
    """From the frame in which the vote was won."""
    clearest_ms_p50: float | None
    clearest_ms_p95: float | None
    """From the clearest look, which the event shows."""
    lit_share: float | None
    """Share of inference time covered by sensed light; null without inference."""
    unsealed_bytes: int
    """Bytes on the broker that were not sealed envelopes of constant size."""

    def to_json(self) -> str:
        """Return `report.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"


def gather(desk: DeskSite, seen: Evidence, is_listed: Callable[[Opened], bool] | None) -> Figures:
    """Return the figures of a run that has ended.

    Args:
        desk: of the run.
        seen: the measurements from outside.
        is_listed: whether an event is about the person on the list, in truth; None if the rig
            cannot know who walks by.
    """
    watch = records(desk.camera / "watch" / "ledger.jsonl")
    counts = Counter[str]()
    for record in watch:
        if record.event is Happening.PERIOD_END:
            counts.update({name: int(count) for name, count in record.body.items()})
    receipts = records(desk.camera / "courier" / "ledger.jsonl")
    listed = is_listed and sum(is_listed(one) for one in seen.opened)
    others = 0 if listed is None else len(seen.opened) - listed
    traces = files_with(desk.folder, seen.witness.needles())
    first_sight, deciding, clearest = (
        [getattr(one, name) for one in seen.opened]
        for name in ("first_sight_ms", "deciding_ms", "clearest_ms")
    )
    return Figures(
        frames=counts["frames"],
        faces=counts["faces"],
        refused=sum(count for name, count in counts.items() if name.startswith("refused_")),
        candidates=counts["candidates"],
        events=sum(record.event is Happening.EVENT_SEALED for record in watch),
        receipts=sum(record.event is Happening.EVENT_RECEIPTED for record in receipts),
        opened=len(seen.opened),
        listed_person_events=listed,
        unlisted_person_traces=others + len(traces),
        first_sight_ms_p50=percentile(first_sight, 50),
        first_sight_ms_p95=percentile(first_sight, 95),
        deciding_ms_p50=percentile(deciding, 50),
        deciding_ms_p95=percentile(deciding, 95),
        clearest_ms_p50=percentile(clearest, 50),
        clearest_ms_p95=percentile(clearest, 95),
        lit_share=lit_share(seen),
        unsealed_bytes=seen.tap.unsealed_bytes,
    )


def records(ledger: Path) -> list[Record]:
    """Return the records of a ledger file."""
    return [Record.from_line(line) for line in ledger.read_bytes().splitlines()]


def lit_share(seen: Evidence) -> float | None:
    """Return the share of inference time during which the lamp's current was sensed."""
    looked = sum(end - begin for begin, end in seen.witness.looks)
    lit = sum(seen.board.lit_ns(begin, end) for begin, end in seen.witness.looks)
    return lit / looked if looked else None


def percentile(values: list[float], percent: int) -> float | None:
    """Return a percentile of the values, rounded to 0.1; None for no values."""
    if not values:
        return None
    return round(quantiles([*values, *values], n=100, method="inclusive")[percent - 1], 1)
