"""Strict JSON: canonical, one spelling for each value, so the bytes signed are the bytes read.

Python's own reader accepts duplicate keys, NaN, floats and many spellings of one value. Here a text
is accepted only if writing its value again gives the same bytes. Duplicates, blanks, floats,
trailing bytes and unsorted keys all fail that one comparison. `parse` then hands the object to a
function that reads it field by field into a frozen dataclass. A field that is missing, unread, of
the wrong type or out of bounds is refused. No number is a float.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from formats.errors import Malformed, TooLarge
from formats.hexadecimal import read_hex

JsonValue: TypeAlias = (
    "bool | int | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"  # Recursive.
)
T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)

DEPTH_LIMIT: Final = 16
"""Deepest nesting of lists and objects. The deepest format here, the policy, needs 4."""

INT_LIMIT: Final = 2**63 - 1
"""Largest magnitude of an integer: what SQLite and a signed 64-bit counter can hold."""

UTC_LOW_S: Final = 1_577_836_800
"""2020-01-01T00:00:00Z: no signed time of this project is older than the project."""

UTC_HIGH_S: Final = 4_102_444_800
"""2100-01-01T00:00:00Z: a later time is a mistake, most often milliseconds for seconds."""

UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\ufffb"
    r"\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0003fffe-\U000e00ff"
    r"\U000e01f0-\U0010ffff]"
)
"""The characters that no text holds, as docs/formats/json.md lists them. The answer of
`str.isprintable` depends on the version of Python, so that two readers would disagree."""


def dumps(value: Mapping[str, JsonValue]) -> bytes:
    """Return the one spelling of `value`: UTF-8, keys sorted by code point, no blanks.

    Raises:
        Malformed: a float, an integer of more than 64 bits, a key that is not text, half a
            surrogate pair, nesting deeper than `DEPTH_LIMIT`, or any other type.
    """
    _refuse_unwritable(value, levels=DEPTH_LIMIT)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Malformed("The text holds half a surrogate pair.") from error


def loads(data: bytes, *, limit: int) -> dict[str, JsonValue]:
    """Return the JSON object in `data`, if `data` is what `dumps` would write.

    Raises:
        TooLarge: `data` is longer than `limit` bytes.
        Malformed: not JSON, not an object, or not its one spelling.
    """
    if len(data) > limit:
        raise TooLarge(f"The JSON text has {len(data)} bytes; at most {limit} are allowed.")
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed("The bytes are not JSON.") from error
    if not isinstance(value, dict):
        raise Malformed("The JSON text is not an object.")
    if dumps(value) != data:
        raise Malformed("The JSON text is not in its one canonical spelling.")
    return value


def is_printable(text: str) -> bool:
    """Return whether `text` holds only characters that a person sees, in one line."""
    return UNPRINTABLE.search(text) is None


def parse(data: bytes, read: Callable[["Fields"], T], *, limit: int, what: str) -> T:
    """Return what `read` makes of the object in `data`; it must read every field.

    Args:
        data: a canonical JSON object.
        read: takes each field from a `Fields` by name and type.
        limit: most bytes that `data` may have.
        what: name of the format, for messages.

    Raises:
        TooLarge: `data` is longer than `limit` bytes.
        Malformed: not canonical JSON, or a field is missing, unknown, mistyped or out of bounds.
    """
    return _read_object(loads(data, limit=limit), read, what)


class Fields:
    """One JSON object, read field by field. Only `parse` makes one.

    Every method raises `Malformed` when the field is missing, of another type or out of bounds.
    """

    __slots__ = ("_unread", "_where")

    def __init__(self, value: Mapping[str, JsonValue], where: str) -> None:
        self._unread = dict(value)
        self._where = where

    def text(self, name: str, *, at_most: int) -> str:
        """Read one line of 1 to `at_most` printable characters.

        Control and direction-override characters are refused: a signer must see what is signed.
        """
        return self._printable(name, self._take(name), at_most)

    def texts(self, name: str, *, at_most: int, count: int) -> tuple[str, ...]:
        """Read a list of at most `count` lines, each as `text` reads it."""
        values = self._list(name, count)
        return tuple(self._printable(name, value, at_most) for value in values)

    def constant(self, name: str, word: str) -> None:
        """Read the one word that may stand here: the name of a format, or its version."""
        if self._take(name) != word:
            raise self._wrong(name, f"is not {word!r}")

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        """Read one member of a closed set of words."""
        value = self._take(name)
        for member in choices:
            if value == member.value:
                return member
        raise self._wrong(name, f"is not one of: {', '.join(choices)}")

    def boolean(self, name: str) -> bool:
        """Read true or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "is neither true nor false")
        return value

    def integer(self, name: str, *, low: int = 0, high: int = INT_LIMIT) -> int:
        """Read a whole number from `low` to `high`, both included."""
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "is not a whole number")
        if not low <= value <= high:
            raise self._wrong(name, f"is not within {low} to {high}")
        return value

    def utc_s(self, name: str) -> int:
        """Read a moment in whole seconds since 1970, UTC, between 2020 and 2100."""
        return self.integer(name, low=UTC_LOW_S, high=UTC_HIGH_S)

    def hex_bytes(self, name: str, size: int) -> bytes:
        """Read exactly `size` bytes, written as lower-case hex."""
        value = self._take(name)
        try:
            return read_hex(value, size)
        except Malformed as error:
            raise self._wrong(name, f"is not {size} bytes in lower-case hex") from error

    def base64_bytes(self, name: str, *, at_most: int, at_least: int = 1) -> bytes:
        """Read bytes of bounded length, in canonical padded base64 (RFC 4648, section 4)."""
        value = self._take(name)
        try:
            data = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
        except ValueError:
            data = b""
        # Base64 has spare bits: without the comparison one file could have several spellings.
        if not at_least <= len(data) <= at_most or base64.b64encode(data).decode() != value:
            raise self._wrong(name, f"is not {at_least} to {at_most} bytes in base64")
        return data

    def has(self, name: str) -> bool:
        """Return whether the field is there and unread; it tells two formats apart."""
        return name in self._unread

    def is_null(self, name: str) -> bool:
        """Return whether the field is present and null; a null then counts as read."""
        if name in self._unread and self._unread[name] is None:
            del self._unread[name]
            return True
        return False

    def object(self, name: str, read: Callable[["Fields"], T]) -> T:
        """Return what `read` makes of a nested object."""
        return self._nested(f"{self._where}.{name}", self._take(name), read)

    def objects(self, name: str, read: Callable[["Fields"], T], *, count: int) -> tuple[T, ...]:
        """Return what `read` makes of each object in a list of at most `count`."""
        values = self._list(name, count)
        where = f"{self._where}.{name}"
        return tuple(self._nested(f"{where}[{i}]", value, read) for i, value in enumerate(values))

    def flat(self, name: str, *, count: int) -> dict[str, int | str]:
        """Read an object of at most `count` whole numbers and texts under free names."""
        value = self._take(name)
        if not isinstance(value, dict) or len(value) > count:
            raise self._wrong(name, f"is not an object of at most {count} fields")
        flat: dict[str, int | str] = {}
        for key, item in value.items():
            if isinstance(item, bool) or not isinstance(item, int | str):
                raise self._wrong(f"{name}[{key!a:.200}]", "is neither a whole number nor text")
            flat[key] = item
        return flat

    def refuse_unread(self) -> None:
        """Refuse fields that this format does not have.

        Raises:
            Malformed: there are some.
        """
        if self._unread:
            raise Malformed(f"{self._where} has unknown fields: {sorted(self._unread)!a:.200}.")

    def _take(self, name: str) -> JsonValue:
        if name not in self._unread:
            raise self._wrong(name, "is missing")
        return self._unread.pop(name)

    def _list(self, name: str, count: int) -> list[JsonValue]:
        value = self._take(name)
        if not isinstance(value, list) or len(value) > count:
            raise self._wrong(name, f"is not a list of at most {count}")
        return value

    def _printable(self, name: str, value: JsonValue, at_most: int) -> str:
        if isinstance(value, str) and 1 <= len(value) <= at_most and is_printable(value):
            return value
        raise self._wrong(name, f"is not one line of 1 to {at_most} printable characters")

    def _nested(self, where: str, value: JsonValue, read: Callable[["Fields"], T]) -> T:
        if not isinstance(value, dict):
            raise Malformed(f"{where} is not an object.")
        return _read_object(value, read, where)

    def _wrong(self, name: str, fault: str) -> Malformed:
        return Malformed(f"{self._where}.{name} {fault}.")


def _read_object(value: Mapping[str, JsonValue], read: Callable[[Fields], T], where: str) -> T:
    fields = Fields(value, where)
    result = read(fields)
    fields.refuse_unread()
    return result


def _refuse_unwritable(value: object, levels: int) -> None:
    """Refuse a value without a spelling here, before `json` writes one of its own."""
    if value is None or isinstance(value, bool | str):
        return
    if isinstance(value, int):
        if abs(value) > INT_LIMIT:
            raise Malformed("An integer has more than 64 bits.")
        return
    if levels == 0:
        raise Malformed(f"The value is nested deeper than {DEPTH_LIMIT} levels.")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise Malformed("A key is not text.")
        for item in value.values():
            _refuse_unwritable(item, levels - 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_unwritable(item, levels - 1)
    else:
        raise Malformed(f"A {type(value).__name__} has no spelling here.")
