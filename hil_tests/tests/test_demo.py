"""`make demo` as a new user runs it: real processes, real broker, real pictures."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from formats.envelope import Kind
from hil_tests.demo.figures import records
from hil_tests.demo.run import Run
from hil_tests.rig.desk.programs import choose_port
from hil_tests.rig.desk.witness import files_with
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import list_person, make_site, publish_list
from hil_tests.scenes.portraits import Person, portrait
from hil_tests.scenes.street import FRAMES_PER_S, WALKS, street

pytestmark = [pytest.mark.broker, pytest.mark.alone, pytest.mark.timeout(180)]

HOPPER_WALKS = tuple(walk for walk in WALKS if walk.person is Person.HOPPER)
COLLINS_WALKS = tuple(walk for walk in WALKS if walk.person is Person.COLLINS)


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hil_tests.demo", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], str, Path]:
    build = tmp_path_factory.mktemp("demo") / "build"
    done = demo("--build", str(build))
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((build / "report.json").read_text()), done.stdout, build


def scene(folder: Path, walks: Sequence[object], seconds: Sequence[float]) -> Path:
    """Frames of the street at some moments, as a folder of pictures."""
    folder.mkdir()
    frames = list(street(walks))  # type: ignore[arg-type]
    for at_s in seconds:
        Image.fromarray(frames[round(at_s * FRAMES_PER_S)]).save(folder / f"{at_s:04.1f}.png")
    return folder


def run_on(folder: Path, listed: Person, source: Path) -> tuple[Run, DeskSite, dict[str, object]]:
    desk = DeskSite(folder / "desk", choose_port(0))
    make_site(desk)
    handle = list_person(desk, portrait(listed))
    publish_list(desk)
    run = Run(desk, handle, listed)
    figures = run.play(str(source), lambda _run: None)
    return run, desk, json.loads(figures.to_json())


def test_the_listed_person_makes_exactly_one_event(
    played: tuple[dict[str, float], str, Path],
) -> None:
    report, _, _ = played
    assert report["events"] == report["receipts"] == report["opened"] == 1
    assert report["listed_person_events"] == 1


def test_everything_is_looked_at_in_light_and_nothing_travels_unsealed(
    played: tuple[dict[str, float], str, Path],
) -> None:
    report, _, _ = played
    assert report["frames"] > 100
    assert report["lit_share"] == 1.0
    assert report["unsealed_bytes"] == 0
    assert report["unlisted_person_traces"] == 0


def test_the_demo_shows_the_candidate_and_names_the_folder_of_crops(
    played: tuple[dict[str, float], str, Path],
) -> None:
    _, said, build = played
    assert "two people decide" in said
    assert "crops" in said
    assert len(list((build / "crops").glob("*.jpg"))) == 1


def test_the_report_has_three_latencies_for_the_event(
    played: tuple[dict[str, float], str, Path],
) -> None:
    report, _, _ = played
    assert 0 < report["deciding_ms_p50"] <= report["clearest_ms_p50"]
    assert report["clearest_ms_p50"] < report["first_sight_ms_p50"] <= report["first_sight_ms_p95"]


@pytest.mark.long
def test_when_the_other_person_is_listed_the_outcome_swaps_and_the_wire_shows_nothing(
    tmp_path: Path,
) -> None:
    source = scene(tmp_path / "scene", WALKS, (2.5, 3.0, 6.0, 6.5))
    run, desk, report = run_on(tmp_path, Person.COLLINS, source)
    assert report["listed_person_events"] == report["opened"] == 1
    assert set(run.seen.tap.sizes) == {Kind.EVENT, Kind.RECEIPT}
    spoken = [run.handle.encode(), bytes.fromhex(run.handle), b"demo-street", b"Collins", b"JFIF"]
    wire = b"".join(run.seen.tap.payloads)
    assert not [word for word in spoken if word in wire]
    assert report["unsealed_bytes"] == 0
    assert list((desk.camera / "outbox" / "waiting").iterdir()) == []


def looking(build: Path) -> subprocess.Popen[str]:
    """Start the demo and wait until the camera looks."""
    command = [sys.executable, "-m", "hil_tests.demo", "--build", str(build)]
    playing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ledger = build / "desk" / "camera" / "watch" / "ledger.jsonl"
    while not ledger.exists() or b"period_begin" not in ledger.read_bytes():
        assert playing.poll() is None
        time.sleep(0.1)
    return playing


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_program_and_the_demo_still_says_what_was_seen(
    tmp_path: Path, number: signal.Signals
) -> None:
    playing = looking(tmp_path / "build")
    playing.send_signal(number)
    said, wrong = playing.communicate(timeout=60)
    assert playing.returncode == 0, wrong
    assert "frames seen" in said
    assert left_running(str(tmp_path / "build")) == []


@pytest.mark.long
def test_a_demo_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    playing = looking(tmp_path / "build")
    playing.kill()
    playing.communicate()
    until_s = time.monotonic() + 30
    while left_running(str(tmp_path / "build")):
        assert time.monotonic() < until_s, left_running(str(tmp_path / "build"))
        time.sleep(0.1)


@pytest.mark.long
def test_a_watch_that_loses_its_light_is_started_anew_and_the_demo_goes_on(tmp_path: Path) -> None:
    desk = DeskSite(tmp_path / "desk", choose_port(0))
    make_site(desk)
    handle = list_person(desk, portrait(Person.HOPPER))
    publish_list(desk)
    run = Run(desk, handle, Person.HOPPER)

    def freeze_the_guard_once(run: Run) -> None:
        if run.seen.witness.looks and not run.lost:
            (guard,) = processes(f"lampguard --config {tmp_path}")
            os.kill(guard, signal.SIGSTOP)
            time.sleep(0.4)
            os.kill(guard, signal.SIGCONT)

    figures = run.play("street", freeze_the_guard_once)
    assert run.lost
    assert all("has not renewed the lease" in words for words in run.lost)
    assert 1 <= figures.events == figures.receipts == figures.opened <= 1 + len(run.lost)
    assert figures.lit_share == 1.0


def left_running(word: str) -> list[str]:
    """Command lines of this machine's processes that hold the word."""
    return list(processes(word).values())


def processes(word: str) -> dict[int, str]:
    """The same, by process id."""
    found = {}
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = process.read_bytes().replace(b"\0", b" ").decode()
            if word in line:
                found[int(process.parent.name)] = line
    return found


@pytest.mark.long
def test_somebody_who_is_not_listed_leaves_no_trace(tmp_path: Path) -> None:
    source = scene(tmp_path / "scene", COLLINS_WALKS, (2.0, 2.5, 3.0, 9.5))
    run, desk, report = run_on(tmp_path, Person.HOPPER, source)
    assert report["faces"]
    assert report["events"] == report["opened"] == 0
    assert run.seen.witness.templates
    assert run.seen.witness.skin
    assert files_with(desk.folder, run.seen.witness.needles()) == []
    assert report["unlisted_person_traces"] == 0
    assert list((desk.camera / "outbox" / "waiting").iterdir()) == []
    assert run.seen.tap.payloads == []
    ledger = records(desk.camera / "watch" / "ledger.jsonl")
    assert all(isinstance(n, int) for n in ledger[-2].body.values())
    # Three looks make one comparison, so the first two of a passer-by make none.
    assert 0 < int(ledger[-2].body["searched"]) < len(run.seen.witness.templates)
