"""Temperature sensors as files, as the kernel shows them, and the limit."""

from pathlib import Path

import pytest

from firmware.errors import TooHot
from firmware.hardware.temperature import EVERY_S, Thermometer
from firmware.tests.fakes import FakeCamera, PasserBy, ScriptedGuard
from firmware.tests.observations import records
from firmware.tests.station import run_of
from formats.ledger import Happening


def sensor(folder: Path, name: str, words: str) -> Path:
    (folder / name).write_text(words)
    return folder / name


def test_the_hottest_sensor_counts(tmp_path: Path) -> None:
    sensors = (sensor(tmp_path, "one", "41000\n"), sensor(tmp_path, "other", "52500\n"))
    assert Thermometer(sensors).hottest_c() == 52.5


def test_without_a_sensor_nothing_is_said(tmp_path: Path) -> None:
    thermometer = Thermometer((tmp_path / "none", sensor(tmp_path, "broken", "warm\n")))
    assert thermometer.hottest_c() is None
    thermometer.check()


@pytest.mark.parametrize(("thousandths", "hot"), [(79_999, False), (80_000, True)])
def test_the_limit_is_80_degrees(tmp_path: Path, thousandths: int, *, hot: bool) -> None:
    thermometer = Thermometer((sensor(tmp_path, "one", f"{thousandths}\n"),))
    if hot:
        with pytest.raises(TooHot, match="80 degrees"):
            thermometer.check()
    else:
        thermometer.check()


def test_it_is_read_once_a_second(tmp_path: Path) -> None:
    now_s = [0.0]
    thermometer = Thermometer((sensor(tmp_path, "one", "20000\n"),), lambda: now_s[0])
    thermometer.check()
    sensor(tmp_path, "one", "90000\n")
    now_s[0] = EVERY_S / 2
    thermometer.check()
    now_s[0] = EVERY_S
    with pytest.raises(TooHot):
        thermometer.check()


def test_a_camera_that_is_too_hot_does_not_look(tmp_path: Path) -> None:
    with ScriptedGuard() as guard:
        run = run_of(tmp_path, guard.channel, FakeCamera([[PasserBy(0, 50)]]))
        run.station.thermometer.sensors = (sensor(tmp_path, "one", "85000\n"),)
        with pytest.raises(TooHot):
            run.watch()
    assert records(tmp_path, Happening.PERIOD_END)[0]["frames"] == 0
