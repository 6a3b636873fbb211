"""Decode a TOML file that a person wrote: UTF-8, with or without a byte-order mark, bounded.

Editors on Windows write a mark or Latin-1. A mark is left out; another encoding is refused by name.
"""

import codecs
import tomllib
from pathlib import Path
from typing import Any, Final

from formats.errors import Malformed, TooLarge

TOML_LIMIT: Final = 256 * 1024
"""Most bytes of a file: the largest, a policy with all its cameras, has about 60,000."""


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table in a file.

    Raises:
        Malformed, TooLarge: as of `parse_toml`.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return parse_toml(file.read(TOML_LIMIT + 1))


def parse_toml(content: bytes) -> dict[str, Any]:
    """Return the table in the bytes of a TOML file. The sentences name no file.

    Raises:
        TooLarge: it has more than `TOML_LIMIT` bytes.
        Malformed: it is not text in UTF-8, or not TOML.
    """
    if len(content) > TOML_LIMIT:
        raise TooLarge(f"It has more than {TOML_LIMIT // 1024} KiB: name another file.")
    try:
        return tomllib.loads(content.removeprefix(codecs.BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Malformed(f"Line {line} is not text in UTF-8: save the file as UTF-8.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Malformed(f"It is not TOML: {error}.") from error
