"""Without a registration that holds a lamp record `watch` asks for no light."""

from pathlib import Path

import pytest

from firmware.config import Config
from firmware.doctor import parts
from firmware.errors import NotRegistered
from firmware.registration.kept import record_path
from firmware.tests.camera_setup import codes, looks, made_camera, publish
from firmware.tests.fakes import guarding
from firmware.tests.observations import records
from formats.ledger import Happening


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = made_camera(tmp_path)
    publish(config)
    return config


def refused(config: Config) -> str:
    """Return why `watch` ended, having asked for no light."""
    with pytest.raises(NotRegistered) as error:
        looks(config)  # No guard runs: a question for light would be another error.
    assert codes(config, Happening.FAULT) == ["NotRegistered"]
    assert records(config.state.watch, Happening.PERIOD_BEGIN) == []
    with pytest.raises(NotRegistered, match=str(error.value)[:20]):
        parts.parts(config)["registration"]()
    return str(error.value)


def test_a_camera_without_a_lamp_record_stays_dark_and_says_what_to_do(config: Config) -> None:
    record_path(config.state).unlink()
    assert "no lamp record: register it over its cable" in refused(config)


def test_a_record_in_which_one_bit_was_changed_does_not_arm(config: Config) -> None:
    path = record_path(config.state)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "wipe this camera and register it again" in refused(config)


def test_the_record_of_another_camera_does_not_arm(config: Config, tmp_path: Path) -> None:
    other = made_camera(tmp_path / "other")
    record_path(config.state).write_bytes(record_path(other.state).read_bytes())
    assert "of other keys than it has" in refused(config)


@pytest.mark.alone
def test_a_camera_with_its_lamp_record_looks(config: Config, tmp_path: Path) -> None:
    with guarding(tmp_path):
        looks(config)
    assert len(records(config.state.watch, Happening.PERIOD_BEGIN)) == 1
    assert "with a lamp record" in parts.parts(config)["registration"]()
