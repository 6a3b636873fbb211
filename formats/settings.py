"""Settings files (TOML): read one into a frozen dataclass; refuse unknown and mistyped keys.

A key is refused when it is unknown, empty or of another type, or missing although its field has no
default. So a misspelt setting is not silently ignored. Environment variables change nothing.
"""

from dataclasses import MISSING, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from formats.errors import FormatError
from formats.near_names import odd_names
from formats.toml_text import read_toml

T = TypeVar("T")

PORTS: Final = range(1, 65536)
"""Every whole number in settings is a port so far."""


MARKS: Final = {
    "lamp_socket": "camera.toml, of tallylight-camera",
    "receipt_key": "receiver.toml, of tallylight-estate receive",
    "books": "office.toml, of tallylight-estate's other commands",
}
"""A setting that one program's file has and no other's: whose file it is."""


class SettingsRefused(FormatError):
    """A settings file is missing, unreadable or out of bounds."""


def read_settings(path: Path, kind: type[T]) -> T:
    """Return the settings in the file as a `kind`.

    Args:
        path: of a TOML file with one key for each field; a key with a default may be left out.
        kind: a dataclass whose fields are `str`, `Path`, `int` (a port) or a `StrEnum`.

    Raises:
        SettingsRefused: the file is missing or not TOML, or a key is missing, unknown or wrong.
    """
    try:
        table = read_toml(path)
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be read: {error.strerror}.") from error
    except FormatError as error:
        raise SettingsRefused(f"{path} is refused. {error}") from error
    kinds: dict[str, Any] = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]  # A dataclass.
    usual = {field.name for field in fields(kind) if field.default is not MISSING}  # type: ignore[arg-type]
    missing, unknown = set(kinds) - set(table) - usual, set(table) - set(kinds)
    whose = [MARKS[name] for name in MARKS if name in unknown]
    if missing and whose:
        raise SettingsRefused(f"{path} is {whose[0]}: name this program's own file with --config.")
    if missing or unknown:
        raise SettingsRefused(odd_names(str(path), missing, unknown, set(kinds) - set(table)))
    try:
        return kind(**{name: _value(name, table[name], kinds[name]) for name in table})
    except ValueError as error:
        raise SettingsRefused(f"{path}: {error}") from error


def _value(name: str, value: object, kind: type) -> object:
    if kind is int:
        if isinstance(value, int) and not isinstance(value, bool) and value in PORTS:
            return value
        raise ValueError(f"{name} must be a number from 1 to 65535.")
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text that is not empty.")
    if issubclass(kind, StrEnum) and value not in set(kind):
        raise ValueError(f"{name} must be one of {', '.join(kind)}.")
    return kind(value)
