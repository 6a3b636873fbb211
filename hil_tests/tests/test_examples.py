"""The example settings that the packages bring are settings that the programs read."""

from pathlib import Path

import pytest

import estate.config
import firmware.config
from formats.settings import read_settings

EXAMPLES = Path(__file__).parents[2] / "packaging" / "examples"
KINDS = {
    "camera.toml": firmware.config.Config,
    "office.toml": estate.config.Office,
    "receiver.toml": estate.config.Config,
}


@pytest.mark.parametrize("name", KINDS)
def test_an_example_is_read_by_its_program(name: str) -> None:
    read_settings(EXAMPLES / name, KINDS[name])


def test_every_example_is_read() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == set(KINDS)
