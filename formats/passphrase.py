"""Read a passphrase or a PIN from the first line of a file: the one reader for all programs.

The file is a person's: text in UTF-8, of which only the first line counts. A byte-order mark in
front of it is left out. It holds no format of ours and is never written here. `terminal.questions`
asks a person at the keyboard.
"""

from pathlib import Path
from typing import Final

from formats.keyfile import KeyRefused

LIMIT_BYTES: Final = 64 * 1024
"""A passphrase file is read up to here; a longer one is another file, named by mistake."""


def read_passphrase(file: Path) -> str:
    """Return the first line of `file`.

    Raises:
        KeyRefused: the file cannot be read, is too long, or its first line is empty.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(LIMIT_BYTES + 1)
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise KeyRefused(f"The passphrase file {file} cannot be read.") from error
    if len(content) > LIMIT_BYTES:
        raise KeyRefused(f"The passphrase file {file} is too long: name a file with one line.")
    if not lines or not lines[0]:
        raise KeyRefused(f"The first line of the passphrase file {file} is empty.")
    return lines[0]
