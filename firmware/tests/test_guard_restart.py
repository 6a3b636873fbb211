"""A guard that starts again: recoveries of the last day count, and a fault stays a fault."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from firmware.guard.interlock import SELF_RECOVERY, Interlock, State
from firmware.guard.lampguard import resume_interlock, run
from firmware.guard.leases import Users
from firmware.identity import make_identity
from firmware.record.ledger import Ledger
from firmware.supervisor import Supervisor
from firmware.tests.command import config_of
from firmware.tests.fakes import Bulb
from firmware.tests.observations import records
from formats.ledger import Happening, Program, Record

pytestmark = pytest.mark.alone


HOUR_MS = 3_600_000


NOW_MS = 1_800_000_000_000


def past(event: Happening, age_h: float, **body: int | str) -> Record:
    at_ms = NOW_MS - round(age_h * HOUR_MS)
    return Record(0, bytes(32), Program.LAMPGUARD, 0, at_ms, event, body)


def fault(age_h: float) -> Record:
    return past(Happening.LAMP, age_h, **{"from": "on", "to": "fault", "reason": "light lost"})


def recovery(age_h: float) -> Record:
    return past(Happening.LAMP, age_h, **{"from": "fault", "to": "boot", "reason": SELF_RECOVERY})


def left(*records: Record) -> Interlock:
    return resume_interlock(records, now_s=100_000.0, utc_ms=NOW_MS)


def test_recoveries_of_the_last_day_still_count_after_a_restart() -> None:
    after = left(recovery(25), recovery(23), recovery(1), past(Happening.STOP, 0.5))
    assert list(after.recoveries) == [100_000 - 23 * 3600, 100_000 - 3600]


def test_a_clock_that_was_set_back_hides_no_recovery() -> None:
    assert list(left(recovery(-5)).recoveries) == [100_000]


def test_a_guard_that_was_killed_in_fault_is_in_fault_again() -> None:
    assert left(past(Happening.START, 2), fault(1)).state is State.FAULT


def test_a_guard_that_an_operator_stopped_in_fault_tests_the_lamp_anew() -> None:
    assert left(fault(1), past(Happening.STOP, 0.5, reason="stopped")).state is State.BOOT


def test_a_guard_that_was_killed_while_all_was_well_tests_the_lamp() -> None:
    shone = past(Happening.LAMP, 1, **{"from": "arming", "to": "on", "reason": "lit"})
    assert left(shone).state is State.BOOT


def test_a_lamp_without_recoveries_left_stays_dark_after_every_crash() -> None:
    after = left(recovery(3), recovery(2), recovery(1), fault(0.5))
    for second in range(1, 600):
        after.tick(100_000.0 + second, sensed=False)
    assert after.state is State.FAULT


def test_a_restarted_guard_reads_its_own_ledger(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    make_identity(config.state)
    ledger = Ledger(config.state.lampguard, Program.LAMPGUARD)
    ledger.append(Happening.LAMP, {"from": "on", "to": "fault", "reason": "light lost"})
    ticks = iter([*[True] * 50, False])
    run(config, lambda: nullcontext(Bulb()), Users(os.getuid()), lambda: next(ticks), Supervisor())
    changes = records(config.state.lampguard, Happening.LAMP)
    assert len(changes) == 1
