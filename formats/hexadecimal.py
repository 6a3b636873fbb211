"""Strict hexadecimal: lower-case digits of a fixed length, without blanks or a prefix.

`bytes.fromhex` skips blanks and takes both cases, so one value would have many spellings. A name
that is compared as text, such as a key id, must have one.
"""

from typing import Final

from formats.errors import Malformed

_DIGITS: Final = frozenset("0123456789abcdef")


def read_hex(text: object, size: int) -> bytes:
    """Return the `size` bytes that `text` spells.

    Raises:
        Malformed: not a text of exactly 2 * `size` lower-case hexadecimal digits.
    """
    if isinstance(text, str) and len(text) == 2 * size and set(text) <= _DIGITS:
        return bytes.fromhex(text)
    raise Malformed(f"The text is not {size} bytes in lower-case hex.")
