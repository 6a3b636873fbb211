"""Terminal output: an opened event, a camera's status, the table of cameras' chains."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from estate.intake.chains import Chain
from formats.counts import counted
from formats.envelope import TimeQuality
from formats.event import HeldBack, MatchEvent
from formats.status import Status

CLOCKS: Final = {
    TimeQuality.UNSYNCHRONISED: "clock not synchronised",
    TimeQuality.SYNCHRONISED: "clock set from the network",
    TimeQuality.AUTHENTICATED: "clock set from an authenticated source",
}
GAPS_SHOWN: Final = 3
"""Gaps of one camera that a table names; `--json` names all."""


def event_panel(
    event: MatchEvent, crop: Path | None, more: Sequence[tuple[str, str]] = ()
) -> Panel:
    """Return one event as a panel for the terminal.

    Args:
        event: the opened event.
        crop: where its picture was saved, if it was.
        more: further rows, each a name and a value.
    """
    rows = Table.grid(padding=(0, 2))
    for name, value in (*_rows(event, crop), *more):
        rows.add_row(Text(name, style="dim"), Text(value))
    return Panel(
        rows,
        title=Text.assemble(("candidate", "bold"), " - two people decide"),
        title_align="left",
        subtitle=f"camera {event.camera.hex()[:8]}, event {event.sequence}",
        subtitle_align="right",
        expand=False,
    )


def held_back_words(held: HeldBack) -> str:
    """Return how often the camera found the entry without an event of its own, and since when."""
    since = datetime.fromtimestamp(held.since_utc_s, UTC)
    times = "once more" if held.times == 1 else f"{held.times:,} more times"
    return f"{times} since the event of {since:%Y-%m-%d %H:%M} UTC"


def status_line(status: Status) -> str:
    """Return a camera's status in one line."""
    degrees = (
        ""
        if status.temperature_centi is None
        else f", {status.temperature_centi / 100:.0f} degrees"
    )
    return (
        f"Camera {status.camera.hex()[:8]} is well: looking for {status.looking_s} s, list version "
        f"{status.list_version}, {status.waiting} in its outbox{degrees}."
    )


def chains_table(chains: Sequence[Chain]) -> Table:
    """Return the table of all cameras' chains, for the terminal."""
    table = Table("camera", "events", "missing", "forks", "came again", "last event (UTC)")
    for chain in chains:
        last = datetime.fromtimestamp(chain.last_utc_ms / 1000, UTC)
        after = ", ".join(f"before {gap.sequence}" for gap in chain.gaps[:GAPS_SHOWN])
        more = len(chain.gaps) - GAPS_SHOWN
        table.add_row(
            chain.camera.hex(),
            str(chain.events),
            (after + (f" and {more} more" if more > 0 else "")) or "none",
            str(len(chain.forks)) if chain.forks else "none",
            str(chain.copies),
            f"{last:%Y-%m-%d %H:%M:%S}" if chain.last_utc_ms else "never: check the camera",
        )
    return table


def _rows(event: MatchEvent, crop: Path | None) -> list[tuple[str, str]]:
    seen = datetime.fromtimestamp(event.captured_utc_ms / 1000, UTC)
    until = datetime.fromtimestamp(event.retain_until_utc_s, UTC)
    track, quality = event.track, event.quality
    rate = event.predicted_fpir_ppb / 1e9
    seconds = (track.last_seen_mono_ns - track.first_seen_mono_ns) / 1e9
    return [
        ("seen", f"{seen:%Y-%m-%d %H:%M:%S} UTC, {CLOCKS[event.time_quality]}"),
        ("entry", event.entry.hex()),
        ("score", f"{_share(event.score_ppm)}, threshold {_share(event.threshold_ppm)}"),
        *([("found before", held_back_words(event.held_back))] if event.held_back else []),
        ("false alarms", f"at most {rate:.2%} of passers-by, also of the worst group measured"),
        ("agreed", f"{counted(track.frames_agreed, 'look')}, {seconds:.1f} s after first sight"),
        ("face", f"{quality.face_height_px} px high, {quality.inter_eye_px} px between the eyes"),
        ("list", f"version {event.list_version} of {event.site}, {event.list_digest.hex()[:16]}"),
        ("lamp lease", event.lease_id.hex()),
        ("destroyed", f"{until:%Y-%m-%d %H:%M} UTC"),
        ("crop", _where(event, crop)),
    ]


def _where(event: MatchEvent, crop: Path | None) -> str:
    if event.crop_jpeg is None:
        return "none, by policy"
    return str(crop) if crop else "not saved"


def _share(ppm: int) -> str:
    return f"{ppm / 1_000_000:.3f}"
