"""A short run of random faults between real programs; `make long-chaos` is the long one."""

from pathlib import Path

import pytest

from hil_tests.long.chaos.__main__ import table
from hil_tests.long.chaos.run import run

pytestmark = [pytest.mark.broker, pytest.mark.alone]

FAULTS = {
    "broker killed",
    "courier killed",
    "receiver killed",
    "maker killed",
    "power of the camera cut",
    "connections reset",
    "connection cut within a message",
    "connection half open",
    "bit flipped on the wire",
    "network slow",
}


@pytest.mark.long
@pytest.mark.timeout(240)
def test_through_every_fault_nothing_is_lost_doubled_or_unnoticed(tmp_path: Path) -> None:
    outcome = run(tmp_path / "testbed", count=150, pause_s=0.12, fault_s=0.6, seed=7)
    assert outcome.sound, outcome
    assert outcome.promised == 150
    assert outcome.faults.keys() >= FAULTS
    assert table(outcome).row_count > len(FAULTS)
