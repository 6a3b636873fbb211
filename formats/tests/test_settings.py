"""Settings from TOML: a missing, unknown or wrong key is refused by its name."""

from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

import pytest

from estate.config import Config as Receiver
from estate.config import Office
from firmware.config import Config as Camera
from formats.settings import MARKS, SettingsRefused, read_settings


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True, slots=True)
class Lamp:
    colour: Colour
    name: str
    port: int
    socket: Path


WHOLE = {"colour": '"red"', "name": '"north"', "port": "8883", "socket": '"/run/lamp"'}


def written(folder: Path, **changes: str | None) -> Path:
    """Write a settings file in which some keys have another value, or (None) are missing."""
    lines = [f"{key} = {value}" for key, value in (WHOLE | changes).items() if value is not None]
    path = folder / "lamp.toml"
    path.write_text("\n".join(lines))
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    lamp = read_settings(written(tmp_path), Lamp)
    assert lamp == Lamp(Colour.RED, "north", 8883, Path("/run/lamp"))


def test_values_have_the_types_of_their_fields(tmp_path: Path) -> None:
    lamp = read_settings(written(tmp_path), Lamp)
    assert (type(lamp.colour), type(lamp.socket)) == (Colour, type(Path()))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"lamp\.toml cannot be read: No such file"):
        read_settings(tmp_path / "lamp.toml", Lamp)


@pytest.mark.parametrize("key", WHOLE)
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsRefused, match=rf"lamp\.toml, {key} is missing\.$"):
        read_settings(written(tmp_path, **{key: None}), Lamp)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"'lump' is unknown\.$"):
        read_settings(written(tmp_path, lump='"red"'), Lamp)


def test_a_mistyped_key_is_named_beside_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"'colur' is unknown \(write colour\)\.$"):
        read_settings(written(tmp_path, colur='"red"', colour=None), Lamp)


@pytest.mark.parametrize("value", ['""', "1", "true", "[]", "{}", "1.5", "2026-11-22"])
@pytest.mark.parametrize("key", ["colour", "name", "socket"])
def test_a_text_that_is_none_is_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(SettingsRefused, match=key):
        read_settings(written(tmp_path, **{key: value}), Lamp)


@pytest.mark.parametrize("value", ["0", "65536", "-1", '"8883"', "8883.0", "[]"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingsRefused, match="port"):
        read_settings(written(tmp_path, port=value), Lamp)


def test_yes_is_not_a_port(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="port"):
        read_settings(written(tmp_path, port="true"), Lamp)


@pytest.mark.parametrize("value", ['"blue"', '"RED"', '"red "'])
def test_a_choice_that_is_none_is_refused_with_the_choices(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingsRefused, match="red, green"):
        read_settings(written(tmp_path, colour=value), Lamp)


@pytest.mark.parametrize("content", [b"port", b"port = ", b"\xff\xfe", b"port = 1\nport = 2"])
def test_what_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lamp.toml").write_bytes(content)
    with pytest.raises(SettingsRefused, match=r"It is not TOML|not text in UTF-8"):
        read_settings(tmp_path / "lamp.toml", Lamp)


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="cannot be read"):
        read_settings(tmp_path, Lamp)


@pytest.mark.parametrize("name", MARKS)
def test_the_file_of_another_program_is_called_so(tmp_path: Path, name: str) -> None:
    path = tmp_path / "other.toml"
    path.write_text(f'{name} = "x"\nname = "north"\n')
    with pytest.raises(SettingsRefused, match=rf"other\.toml is {MARKS[name]}: name this"):
        read_settings(path, Lamp)


def test_each_mark_is_a_setting_of_one_program_alone() -> None:
    kinds = (Camera, Receiver, Office)
    names = [name for kind in kinds for name in {field.name for field in fields(kind)} & set(MARKS)]
    assert sorted(names) == sorted(MARKS)
