"""Pytest plugin: a test that fails while this machine stalls is repeated, at most three times.

Tests of real processes judge times of a few hundred milliseconds. A machine that stands still for
longer than their margin makes them fail, even if the product is right. A test with the mark `alone`
runs beside a thread that should wake every 10 ms. If the test fails and the thread was later than
the margin, the run does not count: the test is repeated once the machine is calm, and the summary
says so. A failure without a stall is a failure at once. No bound of a test is changed.

Examples of hypothesis judge no time, in any test: they have no deadline.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

TICK_S: Final = 0.01
"""The thread should wake this often."""
MARGIN_S: Final = 0.05
"""Least slack of the bounds that tests judge: a lease of 200 ms, looking ends within 250 ms."""
REPEATS: Final = 3
"""Most repetitions: a test that fails in all of them has failed."""
CALM_S: Final = 1.0
"""So long without a stall, and the machine is calm."""
PATIENCE_S: Final = 30.0
"""Longest wait for a calm machine before a repeat."""
_NOTES: Final = pytest.StashKey[list[str]]()

# Hypothesis allows 200 ms for an example, and little for drawing it; a stall can take that long.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@dataclass(slots=True)
class Lateness:
    """How late the thread woke."""

    worst_s: float = 0.0


@contextmanager
def measured_lateness() -> Generator[Lateness]:
    """Measure the stalls of this machine during the block."""
    lateness, done = Lateness(), threading.Event()

    def measure() -> None:
        while not done.is_set():
            due_s = time.monotonic() + TICK_S
            done.wait(TICK_S)
            lateness.worst_s = max(lateness.worst_s, time.monotonic() - due_s)

    thread = threading.Thread(target=measure, name="machine stalls", daemon=True)
    thread.start()
    try:
        yield lateness
    finally:
        done.set()
        thread.join()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test with the mark `alone`, again if it failed while the machine stalled."""
    marker = item.get_closest_marker("alone")
    if marker is None:
        return None
    margin_s: float = marker.kwargs.get("margin_s", MARGIN_S)
    reports: list[pytest.TestReport] = []
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for repeats_left in reversed(range(REPEATS + 1)):
        with measured_lateness() as lateness:
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if lateness.worst_s <= margin_s or not any(report.failed for report in reports):
            break
        outcome = "repeated" if repeats_left else "this machine is too busy to judge it"
        item.config.stash.setdefault(_NOTES, []).append(
            f"{item.nodeid}: {outcome}, it stood still for {lateness.worst_s * 1000:.0f} ms "
            f"(margin {margin_s * 1000:.0f} ms)"
        )
        if repeats_left:
            _start_anew(item, margin_s)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _start_anew(item: pytest.Item, margin_s: float) -> None:
    """End all fixtures, which may have failed themselves; wait; start the time limit again."""
    item.session._setupstate.teardown_exact(None)
    _wait_until_calm(margin_s)
    # pytest-timeout stops its timer at the first exception of a test.
    limits = item.config.pluginmanager.get_plugin("timeout")
    if limits is not None:
        item.ihook.pytest_timeout_set_timer(item=item, settings=limits._get_item_settings(item))


def _wait_until_calm(margin_s: float) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        with measured_lateness() as lateness:
            time.sleep(CALM_S)
        if lateness.worst_s <= margin_s:
            return


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that were repeated."""
    notes = terminalreporter.config.stash.get(_NOTES, [])
    if notes:
        terminalreporter.section("This machine stalled while tests ran that judge times")
        for note in notes:
            terminalreporter.line(note)
