"""When a camera sends its status, and that an observer cannot tell it from an event."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from firmware.hardware.lamp import Lamp, Lit
from firmware.hardware.temperature import Thermometer
from firmware.looking.reporter import Reporter
from firmware.looking.search import Search
from firmware.looking.status_sender import MEAN_S, WAITING_MOST, StatusSender, random_wait_s
from firmware.record.counts import Counts
from firmware.tests.fakes import CALIBRATION, ScriptedGuard
from firmware.tests.observations import records
from firmware.tests.station import CAMERA_KEY, REVIEWER, listed, reporter
from firmware.tests.test_reporter import candidate, decided, waiting
from formats.envelope import NO_PREVIOUS, verify
from formats.event import MatchEvent
from formats.ledger import Happening, verify_chain
from formats.message import open_message
from formats.status import Status


@pytest.fixture
def lit() -> Iterator[Lit]:
    with ScriptedGuard() as guard, Lamp(guard.channel).lit() as lit:
        yield lit


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def telling(folder: Path, clock: Clock, *, status: bool = True) -> StatusSender:
    """Make a sender that sends every 10 seconds."""
    watchlist = listed(folder, policy=lambda policy: replace(policy, status=status))
    made = reporter(folder, Search(watchlist, CALIBRATION, Counts()))
    (folder / "sensor").write_text("45800")
    return StatusSender(made, Thermometer((folder / "sensor",)), wait_s=lambda: 10.0, clock_s=clock)


def messages(folder: Path) -> list[MatchEvent | Status]:
    return [open_message(verify(one, CAMERA_KEY.verify_key), REVIEWER) for one in waiting(folder)]


def test_unless_the_policy_says_so_nothing_is_told(tmp_path: Path, lit: Lit) -> None:
    clock = Clock()
    sender = telling(tmp_path, clock, status=False)
    clock.now_s = 1e6
    sender.send_if_due(lit)
    assert waiting(tmp_path) == []


def test_a_status_is_sealed_whenever_its_wait_is_over(tmp_path: Path, lit: Lit) -> None:
    clock = Clock()
    sender = telling(tmp_path, clock)
    for clock.now_s in (1.0, 9.9, 10.0, 15.0, 20.0):
        sender.send_if_due(lit)
    told = messages(tmp_path)
    assert [one.looking_s for one in told if isinstance(one, Status)] == [10, 20]
    assert len(records(tmp_path, Happening.STATUS_SEALED)) == 2
    assert records(tmp_path, Happening.EVENT_SEALED) == []


def test_a_status_says_how_the_camera_is_and_nothing_of_people(tmp_path: Path, lit: Lit) -> None:
    clock = Clock()
    sender = telling(tmp_path, clock)
    clock.now_s = 60.0
    sender.send_if_due(lit)
    (status,) = messages(tmp_path)
    assert isinstance(status, Status)
    lines = (tmp_path / "ledger.jsonl").read_bytes().splitlines()[: status.ledger_size]
    head = verify_chain(lines)
    assert (head.size, head.digest) == (status.ledger_size, status.ledger_digest)
    assert (status.temperature_centi, status.waiting, status.lease_id) == (4580, 0, lit.lease_id)
    assert not {"face", "entry", "score", "candidate", "searched"} & set(status.__slots__)


def test_statuses_and_events_are_one_chain(tmp_path: Path, lit: Lit) -> None:
    clock = Clock()
    sender = telling(tmp_path, clock)
    made: Reporter = sender.reporter
    made.report(candidate(), decided(), lit)
    clock.now_s = 10.0
    sender.send_if_due(lit)
    made.report(candidate(1), decided(), lit)
    sealed = waiting(tmp_path)
    assert [one.header.sequence for one in sealed] == [1, 2, 3]
    assert [one.header.previous for one in sealed] == [
        NO_PREVIOUS,
        *[one.digest for one in sealed[:-1]],
    ]
    assert len({len(one.blob) for one in sealed}) == 1


def test_a_status_never_takes_an_events_room(tmp_path: Path, lit: Lit) -> None:
    waits = tmp_path / "outbox" / "waiting"
    waits.mkdir(parents=True)
    for number in range(WAITING_MOST + 1):
        (waits / f"{1000 + number:012}").touch()
    clock = Clock()
    sender = telling(tmp_path, clock)
    clock.now_s = 10.0
    sender.send_if_due(lit)
    assert len(list(waits.iterdir())) == WAITING_MOST + 1
    (waits / "000000001000").unlink()
    sender = telling(tmp_path, clock)
    clock.now_s = 20.0
    sender.send_if_due(lit)
    assert len(list(waits.iterdir())) == WAITING_MOST + 1


def test_no_wait_tells_of_the_next() -> None:
    waits = np.array([random_wait_s() for _ in range(40_000)])
    assert waits.mean() == pytest.approx(MEAN_S, rel=0.05)
    assert (waits > MEAN_S).mean() == pytest.approx(np.exp(-1), abs=0.03)
    long_ones = waits[waits > MEAN_S] - MEAN_S  # Who has waited long has no less left to wait.
    assert long_ones.mean() == pytest.approx(MEAN_S, rel=0.1)
