"""Waits for the lamp guard's self-test after a start, by the guard's ledger."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from formats.ledger import Happening, Program
from hil_tests.rig.contract import Rig, records_of

LATCHED_S: Final = 3.0
"""A guard that records nothing new for so long after its start is still in fault."""


@contextmanager
def awaited_self_test(rig: Rig) -> Iterator[None]:
    """Run the block, which starts the guard; return once the guard's self-test is over."""
    tested, started = len(rig.lamp_states()), _starts(rig)
    yield
    rig.wait_until(lambda: _starts(rig) > started)
    began_s = time.monotonic()
    # A guard that was killed in fault is in fault again, and records no new state.
    rig.wait_until(
        lambda: (
            len(rig.lamp_states()) > tested
            or (_in_fault(rig) and time.monotonic() - began_s > LATCHED_S)
        )
    )


def _starts(rig: Rig) -> int:
    return len(records_of(rig, Program.LAMPGUARD, Happening.START))


def _in_fault(rig: Rig) -> bool:
    return [state for state, _ in rig.lamp_states()[-1:]] == ["fault"]
