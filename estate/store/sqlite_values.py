"""Values of the wrong kind in SQLite, which keeps a text in a column of bytes (dynamic typing).

Only a person who writes the file past these programs puts such values there. They are read as what
no signature holds for, so that the row is refused like any other that was changed: bytes that are
the text's, a number below 0, a text with replaced characters. PostgreSQL keeps no such values.
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Dialect, Engine, Integer, LargeBinary, String

NO_NUMBER: Final = -1


class _Bytes(LargeBinary):
    def result_processor(self, _dialect: Dialect, _kind: object) -> Callable[[object], Any]:
        return _as_bytes


class _Whole(Integer):
    def result_processor(self, _dialect: Dialect, _kind: object) -> Callable[[object], Any]:
        return _as_whole


class _Text(String):
    def result_processor(self, _dialect: Dialect, _kind: object) -> Callable[[object], Any]:
        return _as_text


def read_strictly(engine: Engine) -> None:
    """Let this engine return from a column only values of its kind."""
    kinds = {LargeBinary: _Bytes, Integer: _Whole, String: _Text}
    engine.dialect.colspecs = {**engine.dialect.colspecs, **kinds}


def _as_bytes(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return str(value).encode(errors="replace")


def _as_whole(value: object) -> int | None:
    return value if value is None or isinstance(value, int) else NO_NUMBER


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
