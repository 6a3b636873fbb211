"""The command `make demo`: a whole camera, from a person in the street to an opened event.

Keys, signatures, nets, processes and broker are real. The street and the lamp's wires are
simulated. One of two people is on the list and makes one event; the other leaves no trace. An input
that cannot be used is refused in one sentence before a file is written.
"""

import argparse
import signal
import sys
import time
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from nacl.signing import SigningKey
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from formats.counts import counted
from hil_tests.demo.build_folder import emptied
from hil_tests.demo.choice import Choice, read_choice, scene_of
from hil_tests.demo.figures import Figures
from hil_tests.demo.review import review, send_portrait, write_report
from hil_tests.demo.run import Run
from hil_tests.errors import DeskRefused
from hil_tests.rig.desk.programs import choose_port, find_program
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import (
    REVIEWERS,
    list_person,
    make_site,
    publish_list,
    tallylight_estate,
)
from hil_tests.scenes.sources import open_source
from provisioning.nets.bundles import MODELS, build_bundle, manifest_to_sign
from recognition.enrolment import enrol
from recognition.errors import RecognitionError
from recognition.eye import Eye
from recognition.picture import read_picture
from terminal.command_line import describe_os_error

SOCKET_PATH: Final = 107
"""Longest path of a local socket, in bytes (unix(7))."""


def main() -> int:
    """Play the scene named on the command line; 0 if the promises held."""
    for ended in (signal.SIGTERM, signal.SIGHUP):  # As Ctrl-C: every program stops in order.
        signal.signal(ended, signal.default_int_handler)
    console = Console(highlight=False)
    try:
        return _demo(read_choice(), console)
    except (DeskRefused, RecognitionError) as refusal:
        print(f"make demo: {refusal}", file=sys.stderr)  # What users read.
    except OSError as error:  # As a full disk, or a folder of another user.
        print(f"make demo: {describe_os_error(error)}", file=sys.stderr)
    except KeyboardInterrupt:
        console.print("\nStopped: every program has ended, the lamp is off.")
    return 1


def _demo(chosen: argparse.Namespace, console: Console) -> int:
    """Play the scene, then open the consoles if that is wanted; return the exit code.

    Raises:
        DeskRefused, RecognitionError: something cannot be used; nothing was written.
    """
    build, scene = chosen.build.absolute(), scene_of(chosen)
    desk = DeskSite(build / "desk", choose_port(chosen.port))
    _refuse_early(scene, desk)
    with emptied(build, desk):
        code = play(scene, build, desk, console)
        reported = code == 0 and (build / "public-report.html").exists()
        if reported and chosen.review:
            _open(build, console)
        elif reported:
            console.print("review   make demo REVIEW=1 opens both consoles, then the report")
        elif code == 0 and chosen.review:
            console.print("There is nothing to review: no event reached the estate.")
    return code


def play(scene: Choice, build: Path, desk: DeskSite, console: Console) -> int:
    """Make a site, play the scene on it, print and write what it came to; return the exit code."""
    console.print(f"\n[bold]Tallylight[/]  {escape(scene.title)}\n")
    with _step(console, "A site: keys of five offices, two organisations, a camera, a broker"):
        make_site(desk)
    with _step(console, "A list with one person, signed by both organisations"):
        handle = list_person(desk, scene.picture)
        publish_list(desk)
        send_portrait(desk, handle, scene.picture)
    run = Run(desk, handle, scene.listed)
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        figures = run.play(scene.source, lambda seen: live.update(_glance(seen)))
    if figures.opened:
        console.print(Text.from_ansi(_reopened(desk, run)))
    console.print(table(figures))
    report = build / "report.json"
    report.write_text(figures.to_json(), encoding="utf-8")
    public = build / "public-report.html"
    if figures.receipts:  # Before that the estate has no books to report from.
        write_report(desk, public)
    files = {"figures": report, "report": public, "crops": run.crops, "logs": desk.folder / "logs"}
    for name, path in files.items():
        if path.exists():
            console.print(f"{name:8} {_short(path)}")
    if run.lost:
        console.print(
            f"This machine is busy: the camera's light ended {counted(len(run.lost), 'time')}, so "
            "watch was started anew and saw the scene again."
        )
    whole = scene.listed is not None and not run.interrupted
    return verdict(figures, console, whole=whole, starts=1 + len(run.lost))


def verdict(figures: Figures, console: Console, *, whole: bool, starts: int = 1) -> int:
    """Return 0 if the promises held in this run; else print which did not, and return 1.

    Args:
        figures: of the run.
        console: for the messages.
        whole: whether the whole drawn street was played, in which the listed person walks by once.
        starts: how often `watch` was started: a fresh one may report the person again.
    """
    promises = [
        (figures.lit_share in {None, 1.0}, "there was inference without light"),
        (figures.unsealed_bytes == 0, "something unsealed was on the wire"),
        (figures.unlisted_person_traces == 0, "a person who is not on the list left a trace"),
        (figures.receipts == figures.events == figures.opened, "an event was lost"),
    ]
    if whole:
        listed = figures.listed_person_events
        once = listed is not None and 1 <= figures.events == listed <= starts
        promises.append((once, "the listed person did not make exactly one event"))
    broken = [words for holds, words in promises if not holds]
    for words in broken:
        console.print(f"[red]A promise did not hold: {words}.[/]")
    return 1 if broken else 0


def table(figures: Figures) -> Table:
    """Return the figures for people."""
    shown = Table(
        title="What was seen, from outside the camera", title_justify="left", show_header=False
    )
    shown.add_column(justify="left")
    shown.add_column(justify="right")
    listed = figures.listed_person_events
    for name, value in (
        ("frames seen", figures.frames),
        ("faces seen in them", figures.faces),
        ("of these, too small, blurred, turned or badly lit", figures.refused),
        ("candidates: comparisons above the threshold", figures.candidates),
        ("events sealed", figures.events),
        ("receipts of the estate", figures.receipts),
        ("events opened with a reviewer's key", figures.opened),
        ("of these, of the person on the list", "see the crops" if listed is None else listed),
        ("traces of other people, in all files", figures.unlisted_person_traces),
        (
            "from first sight to opened event, p50 / p95",
            _times(figures.first_sight_ms_p50, figures.first_sight_ms_p95, figures.opened),
        ),
        (
            "from deciding frame to opened event, p50 / p95",
            _times(figures.deciding_ms_p50, figures.deciding_ms_p95, figures.opened),
        ),
        ("share of inference time under sensed light", _percent(figures.lit_share)),
        ("bytes on the broker that were not sealed", figures.unsealed_bytes),
    ):
        shown.add_row(name, str(value))
    return shown


def _times(p50_ms: float | None, p95_ms: float | None, count: int) -> str:
    return "-" if p50_ms is None else f"{p50_ms:.0f} / {p95_ms:.0f} ms of {count}"


def _percent(share: float | None) -> str:
    """Return a share in whole per cent, rounded down: 99.9 % is not all."""
    return "-" if share is None else f"{int(share * 100)}%"


def _refuse_early(scene: Choice, desk: DeskSite) -> None:
    """Check all inputs before a file is written."""
    if len(str(desk.lamp_socket)) > SOCKET_PATH:
        raise DeskRefused(f"{desk.folder} is too long a path for a socket: choose a shorter one.")
    for program in ("mosquitto", "mosquitto_sub"):
        find_program(program)
    with open_source(scene.source).running() as frames:
        if next(frames, None) is None:
            raise DeskRefused(f"There is not one frame in {scene.source}: check SOURCE.")
    with TemporaryDirectory() as folder:
        bundle = build_bundle(
            Path(folder) / "models", MODELS, SigningKey.generate(), manifest_to_sign(MODELS)
        )
        enrol(read_picture(scene.picture), Eye.load(bundle))


@contextmanager
def _step(console: Console, words: str) -> Generator[None]:
    began_s = time.monotonic()
    with console.status(words):
        yield
    console.print(f"[green]done[/]  {words}  [dim]{time.monotonic() - began_s:.1f} s[/]")


def _glance(run: Run) -> str:
    seen = run.seen
    lit = bool(seen.board.edges) and seen.board.edges[-1].high
    lamp = "[bold yellow]lamp on [/]" if lit else "[dim]lamp off[/]"
    return f"{lamp}  nets ran {len(seen.witness.looks)} times  events opened: {len(seen.opened)}"


def _reopened(desk: DeskSite, run: Run) -> str:
    """Return what the estate's own command prints of the events in its store."""
    reviewer = desk.estate / f"{REVIEWERS[1]}.key"
    return tallylight_estate(
        *("open", "--config", str(desk.receiver_config), "--open-with", str(reviewer)),
        *("--crops", _short(run.crops), "--passphrase-file", str(desk.passphrase)),
    )


def _open(build: Path, console: Console) -> None:
    """Open both consoles until Ctrl-C, then the report, made anew with the verdicts."""
    desk, report = DeskSite(build / "desk", 0), build / "public-report.html"
    with suppress(KeyboardInterrupt):
        review(desk, lambda words: console.print(words, soft_wrap=True), browser=True)
    console.print("\nBoth consoles have ended.")
    write_report(desk, report)
    if webbrowser.open(report.as_uri()):
        console.print("The report, with your verdicts, is open in your browser.")
    else:
        console.print(f"The report, with your verdicts: open {_short(report)} in a browser.")


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
