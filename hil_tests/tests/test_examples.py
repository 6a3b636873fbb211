"""The example settings that the packages bring are settings that the programs read."""

import re
from pathlib import Path

import pytest

import estate.config
import firmware.config
from formats.settings import read_settings

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "packaging" / "examples"
OPERATE = ROOT / "docs" / "operate.md"
KINDS = {
    "camera.toml": firmware.config.Config,
    "office.toml": estate.config.Office,
    "receiver.toml": estate.config.Config,
}


@pytest.mark.parametrize("name", KINDS)
def test_an_example_is_read_by_its_program(name: str) -> None:
    read_settings(EXAMPLES / name, KINDS[name])


def test_receiver_and_office_name_one_store_and_one_site() -> None:
    office = read_settings(EXAMPLES / "office.toml", estate.config.Office)
    receiver = read_settings(EXAMPLES / "receiver.toml", estate.config.Config)
    assert office.store == receiver.store
    assert (str(office.site), str(office.trusted_root)) == (receiver.site, receiver.trusted_root)


def test_the_guide_shows_the_office_of_the_example(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(store = .*?)```", OPERATE.read_text("utf-8"), re.DOTALL)
    copied = tmp_path / "office.toml"
    copied.write_text(shown, "utf-8")
    office = read_settings(EXAMPLES / "office.toml", estate.config.Office)
    assert read_settings(copied, estate.config.Office) == office


def test_every_example_is_read() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == set(KINDS)
