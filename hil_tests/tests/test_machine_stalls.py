"""A stalled failure is repeated, at most three times; any other failure counts at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

PLUGIN = "hil_tests.tests.machine_stalls"
TESTS = """
import os, pathlib, subprocess, time, pytest

RUNS = pathlib.Path("runs")


def stall(for_s):
    stop, resume = f"kill -STOP {os.getpid()}", f"kill -CONT {os.getpid()}"
    subprocess.run(["sh", "-c", f"{stop}; sleep {for_s}; {resume}"], check=True)


def run():
    RUNS.write_text(RUNS.read_text() + "x" if RUNS.exists() else "x")
    return len(RUNS.read_text())


@pytest.fixture(scope="module")
def fragile():
    if run() == 1:
        stall(0.3)
        pytest.fail("the set-up")


@pytest.mark.alone
def test_stalls_once():
    first = run() == 1
    if first:
        stall(0.3)
    assert not first


@pytest.mark.alone
def test_stalls_always():
    run()
    stall(0.3)
    pytest.fail("always")


@pytest.mark.alone
def test_fails():
    run()
    pytest.fail("at once")


@pytest.mark.alone
def test_passes_beside_a_stall():
    run()
    stall(0.3)


@pytest.mark.alone(margin_s=5)
def test_has_a_wide_margin():
    run()
    stall(0.3)
    pytest.fail("in its margin")


@pytest.mark.alone
@pytest.mark.timeout(1)
def test_takes_too_long():
    run()
    stall(0.3)
    time.sleep(30)


def test_judges_no_time():
    run()
    stall(0.3)
    pytest.fail("not timed")


@pytest.mark.alone
def test_has_a_fixture(fragile):
    pass


@pytest.mark.alone
def test_shares_the_fixture(fragile):
    pass
"""


def ran(folder: Path, *names: str) -> tuple[int, int, str]:
    """Return the exit status, how often the test ran, and what pytest printed."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = alone\ntimeout = 20\n")
    (folder / "test_it.py").write_text(TESTS)
    chosen = [f"test_it.py::{name}" for name in names]
    command = [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, "-p", "timeout", *chosen]
    quick = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=folder, env=quick, capture_output=True, text=True, check=False
    )
    return done.returncode, len((folder / "runs").read_text()), done.stdout


def test_a_failure_beside_a_stall_is_repeated(tmp_path: Path) -> None:
    status, runs, said = ran(tmp_path, "test_stalls_once")
    assert (status, runs) == (0, 2)
    assert "test_stalls_once: repeated, it stood still for " in said
    assert "1 passed" in said


@pytest.mark.parametrize("name", ["test_stalls_always", "test_takes_too_long"])
def test_after_three_repeats_a_stalled_test_has_failed(tmp_path: Path, name: str) -> None:
    status, runs, said = ran(tmp_path, name)
    assert (status, runs) == (1, 4)
    assert said.count(f"{name}: repeated") == 3
    assert f"{name}: this machine is too busy to judge it" in said


@pytest.mark.parametrize("name", ["test_fails", "test_has_a_wide_margin", "test_judges_no_time"])
def test_any_other_failure_counts_at_once(tmp_path: Path, name: str) -> None:
    status, runs, said = ran(tmp_path, name)
    assert (status, runs) == (1, 1)
    assert "repeated" not in said


def test_a_stall_does_not_undo_a_success(tmp_path: Path) -> None:
    status, runs, said = ran(tmp_path, "test_passes_beside_a_stall")
    assert (status, runs) == (0, 1)
    assert "stalled" not in said


def test_a_fixture_that_failed_is_made_anew(tmp_path: Path) -> None:
    status, runs, said = ran(tmp_path, "test_has_a_fixture", "test_shares_the_fixture")
    assert (status, runs) == (0, 2)
    assert "2 passed" in said


def test_an_example_of_hypothesis_has_no_deadline_in_any_test() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
