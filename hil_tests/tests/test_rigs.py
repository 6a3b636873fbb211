"""The fixture `rig`: which back-end answers, which test is skipped, and what the skip says."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hil_tests.errors import DeskRefused
from hil_tests.rig.backends import IMAGE, open_rig, refuse_unavailable
from hil_tests.rig.contract import Feature, Outage, Scene
from hil_tests.rig.desk.witness import Witness, WitnessServer
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.limits import LIMITS, Backend, missing
from hil_tests.rig.virtual.machine import Machine
from hil_tests.rig.virtual.rig import VirtualRig

ROOT = Path(__file__).parents[2]


def test_each_back_end_has_a_row_in_the_table() -> None:
    assert set(LIMITS) == set(Backend)


@pytest.mark.parametrize("backend", list(Backend))
def test_each_limit_is_one_sentence(backend: Backend) -> None:
    for limit in LIMITS[backend].values():
        assert limit.reason[0].isupper()
        assert limit.reason.endswith(".")
        assert limit.reason.count(". ") == 0


@pytest.mark.parametrize("feature", list(Feature))
def test_some_back_end_has_each_feature(feature: Feature) -> None:
    limits = [LIMITS[backend].get(feature) for backend in Backend]
    assert any(limit is None or limit.unless for limit in limits)


def test_a_feature_that_needs_a_program_is_there_with_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing(Backend.DESK, Feature.BROKER) == "There is no broker here: install mosquitto."
    (tmp_path / "mosquitto").touch(mode=0o755)
    assert missing(Backend.DESK, Feature.BROKER) is None


def ran(rig: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on tests of a rig with a back-end; return what it printed."""
    tests = [f"hil_tests/tests/{name}" for name in ("test_light.py", "contract")]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rig", rig, *words]
    environment = {name: value for name, value in os.environ.items() if name != IMAGE}
    return subprocess.run(
        [*command, *tests], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("rig", "sentence"),
    [
        ("relays", "No rig with relays is configured here: choose --rig desk or --rig virtual."),
        ("virtual", "The virtual camera needs root and its image: run make hil"),
    ],
)
def test_a_back_end_that_is_not_here_is_refused_in_one_sentence(rig: str, sentence: str) -> None:
    done = ran(rig)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert sentence in done.stderr


def test_a_skip_says_why_the_back_end_cannot_do_it() -> None:
    done = ran("desk", "-k", "test_watch_has_an_empty_network_of_its_own")
    assert "The desk starts the programs without systemd: it has no units." in done.stdout
    assert "1 skipped" in done.stdout


def test_the_relays_are_refused_wherever_they_are_opened(tmp_path: Path) -> None:
    with pytest.raises(DeskRefused, match="No rig with relays"):
        open_rig(Backend.RELAYS, DeskSite(tmp_path, 1), tmp_path)


def test_the_desk_is_always_here() -> None:
    refuse_unavailable(Backend.DESK)


def test_a_call_that_a_back_end_cannot_carry_out_is_refused_with_the_same_reason(
    tmp_path: Path,
) -> None:
    rig = VirtualRig(DeskSite(tmp_path, 1), Machine(tmp_path, tmp_path))
    network = missing(Backend.VIRTUAL, Feature.BROKER) or ""
    for call in (rig.connect_estate, rig.stored_events, lambda: rig.set_outage(Outage.HALF_OPEN)):
        with pytest.raises(DeskRefused, match=network):
            call()
    with pytest.raises(DeskRefused, match=missing(Backend.VIRTUAL, Feature.SCENES)):
        rig.start(Scene.INFRARED)


def test_a_witness_in_another_process_reports_through_a_local_socket(tmp_path: Path) -> None:
    witness, folder = Witness(), tmp_path / "a"
    folder.mkdir()
    with WitnessServer(witness, folder / "looks.sock"):
        for begin_ns in (1, 2):
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(folder / "looks.sock"))
                line.sendall(b'{"begin_ns": %d, "end_ns": 9}\n' % begin_ns)
        while len(witness.looks) < 2:
            time.sleep(0.01)
    assert sorted(witness.looks) == [(1, 9), (2, 9)]
    shutil.rmtree(folder)
