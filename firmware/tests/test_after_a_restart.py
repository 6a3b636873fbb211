"""What `watch` knows again after a restart: pauses of entries, and how much time has passed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware.assembly import Means, run
from firmware.config import Config
from firmware.errors import ClockUntrusted
from firmware.looking.kept_pauses import write_pauses
from firmware.looking.pauses import Pause, Pauses
from firmware.tests.camera_setup import WALK, codes, looks, made_camera, publish
from firmware.tests.fakes import FakeCamera, eye, guarding
from firmware.tests.observations import records
from firmware.tests.verifier import flip
from firmware.trust.acceptance import site_folder
from firmware.trust.clock import Hands, boot_id, boottime_s
from firmware.trust.floors import floors_of, read_floors
from formats.ledger import Happening

pytestmark = pytest.mark.alone


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return made_camera(tmp_path)


def test_an_entry_pauses_over_a_restart(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
        looks(config)
    ended = records(config.state.watch, Happening.PERIOD_END)
    assert [(each["events"], each["suppressed"]) for each in ended] == [(1, 0), (0, 1)]


def test_a_start_forgets_the_pauses_of_entries_that_left_the_list(
    tmp_path: Path, config: Config
) -> None:
    publish(config)
    kept = config.state.watch / "pauses"
    stranger = Pauses(0, {bytes([99]) * 16: Pause(0, 0, 30)})
    kept.write_bytes(write_pauses(stranger))
    with guarding(tmp_path):
        looks(config)
    assert bytes([99]).hex() * 16 not in kept.read_text()
    assert '"handle"' in kept.read_text()


def test_damaged_pauses_begin_anew_and_are_in_the_ledger(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
        flip(config.state.watch / "pauses", 80)
        looks(config)
        looks(config)
    assert codes(config, Happening.FAULT) == ["pauses_broken"]
    ended = records(config.state.watch, Happening.PERIOD_END)
    assert [each["events"] for each in ended] == [1, 1, 0]


def test_a_stop_saves_the_time_and_its_boot(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
    anchor = read_floors(floors_of(site_folder(config.state))).anchor
    assert anchor is not None
    assert anchor.boot_id == boot_id()
    assert -60 < anchor.boottime_s - boottime_s() <= 1


def test_a_clock_that_is_set_back_while_the_program_is_away_is_refused(
    tmp_path: Path, config: Config
) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
        means = Means(lambda: FakeCamera(WALK), lambda _: eye(WALK), hands=Hands(set_back))
        with pytest.raises(ClockUntrusted):
            run(config, means, lambda: True)
    assert codes(config, Happening.FAULT) == ["ClockUntrusted"]


def set_back() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=30)
