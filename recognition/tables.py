"""Strict TOML tables: each key is taken out by type, and a key that is left over is refused.

A key that is missing, unknown or of another type is refused by its name. A text is one printable
line, because a person reads it in a terminal before trusting it.
"""

from typing import Final, TypeVar

from formats.errors import FormatError, Malformed
from formats.hexadecimal import read_hex
from formats.strict_json import is_printable
from formats.toml_text import parse_toml
from recognition.errors import ModelRefused

T = TypeVar("T")

DIGEST_BYTES: Final = 32
"""Length of a SHA-256."""
TEXT_LIMIT: Final = 1000
"""Most characters of a text: a statement on training data is a few sentences."""


class Table:
    """One table. Every method raises `ModelRefused` if the key is missing or wrong."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, dict):
            raise ModelRefused(f"{name} must be a table.")
        self._values = dict(values)
        self._name = name

    @classmethod
    def read(cls, content: bytes, name: str) -> "Table":
        """Return the whole document in `content`.

        Raises:
            ModelRefused: it is not TOML.
        """
        try:
            return cls(parse_toml(content), name)
        except FormatError as error:
            raise ModelRefused(f"{name} is refused. {error}") from error

    def has(self, key: str) -> bool:
        """Return whether the key is there."""
        return key in self._values

    def value(self, key: str, kind: type[T]) -> T:
        """Take out and return a value of exactly this type."""
        value = self._values.pop(key, None)
        if value is None:
            raise ModelRefused(f"In {self._name}, {key} is missing: add it.")
        if type(value) is not kind:
            raise ModelRefused(f"In {self._name}, {key} must be of type {kind.__name__}.")
        return value

    def text(self, key: str) -> str:
        """Return one printable line of 1 to `TEXT_LIMIT` characters."""
        text = self.value(key, str)
        if not (1 <= len(text) <= TEXT_LIMIT and is_printable(text)):
            raise ModelRefused(
                f"In {self._name}, {key} must be one line of 1 to {TEXT_LIMIT} characters."
            )
        return text

    def digest(self, key: str) -> bytes:
        """Return the 32 bytes of a SHA-256."""
        text = self.value(key, str)
        try:
            return read_hex(text, DIGEST_BYTES)
        except Malformed as error:
            raise ModelRefused(
                f"In {self._name}, {key} must be a SHA-256: 64 lower-case hexadecimal digits."
            ) from error

    def numbers(self, key: str, kind: type[T]) -> tuple[T, ...]:
        """Return a list of values of one type."""
        values = self.value(key, list)
        if any(type(value) is not kind for value in values):
            raise ModelRefused(f"In {self._name}, {key} must hold only {kind.__name__}.")
        return tuple(values)

    def table(self, key: str) -> "Table":
        """Return the table under a key."""
        return Table(self.value(key, dict), key)

    def tables(self, key: str) -> "list[Table]":
        """Return the list of tables under a key."""
        return [Table(one, f"{key}[{place}]") for place, one in enumerate(self.value(key, list))]

    def refuse_unknown(self) -> None:
        """Refuse the keys that were not taken.

        Raises:
            ModelRefused: there are unknown keys.
        """
        if self._values:
            names = ", ".join(sorted(self._values))
            raise ModelRefused(f"In {self._name}, unknown: {names}. Remove these keys.")
