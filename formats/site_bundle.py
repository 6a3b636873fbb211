"""The site bundle: a site's signed TUF repository, names and contents, in one MQTT message.

It travels to a camera as it would lie on a memory stick. Reading it proves nothing: `watch` checks
the signatures inside. Names are those of a TUF repository and no others, so that unpacking cannot
leave its folder. Byte table: docs/formats/bundle.md.
"""

import re
import struct
from collections.abc import Mapping
from typing import Final

from formats.errors import Malformed, TooLarge

MAGIC: Final = b"TALLYSB1"
LIMIT_BYTES: Final = 2 * 1024 * 1024 - 1024
"""Longest bundle: with its topic it fits the broker's message_size_limit."""
FILES_LIMIT: Final = 256
"""Most files of a bundle: a repository has about ten, and a root for each rotation. A courier waits
for the disk with each file."""
LAST: Final = "metadata/timestamp.json"
"""Comes last, so that a courier that installs in order never has a new timestamp over old files."""

_NAME: Final = re.compile(r"(metadata|targets)/[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_COUNT: Final = struct.Struct("<H")
_SIZES: Final = struct.Struct("<HI")


def write_bundle(files: Mapping[str, bytes]) -> bytes:
    """Return the bundle of these files, by their names in the repository.

    Raises:
        Malformed: a name is not of a repository, or the timestamp is missing.
        TooLarge: they do not fit one message.
    """
    names = sorted(files, key=lambda name: (name == LAST, name))
    parts = [MAGIC, _COUNT.pack(len(names))]
    for name in names:
        parts += [_SIZES.pack(len(name.encode()), len(files[name])), name.encode(), files[name]]
    bundle = b"".join(parts)
    read_bundle(bundle)
    return bundle


def read_bundle(data: bytes) -> dict[str, bytes]:
    """Return the files in a bundle by name, in the order in which they are to be written.

    Raises:
        TooLarge: longer than one message may be, or too many files.
        Malformed: not a bundle in its one spelling.
    """
    if len(data) > LIMIT_BYTES:
        raise TooLarge(f"A bundle of {len(data)} bytes does not fit one message.")
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + _COUNT.size:
        raise Malformed("The bytes are no bundle of a site's repository.")
    (count,), at = _COUNT.unpack_from(data, len(MAGIC)), len(MAGIC) + _COUNT.size
    if count > FILES_LIMIT:
        raise TooLarge(f"A bundle of {count} files is no site's repository.")
    files: dict[str, bytes] = {}
    for _ in range(count):
        name, content, at = _read_file(data, at)
        if name in files:
            raise Malformed("A name is in the bundle twice.")
        files[name] = content
    if at != len(data):
        raise Malformed("There is something after the last file.")
    if list(files) != sorted(files, key=lambda name: (name == LAST, name)) or LAST not in files:
        raise Malformed("The files are out of order, or there is no timestamp.")
    return files


def _read_file(data: bytes, at: int) -> tuple[str, bytes, int]:
    if at + _SIZES.size > len(data):
        raise Malformed("The bundle ends within a file.")
    name_bytes, content_bytes = _SIZES.unpack_from(data, at)
    name_at = at + _SIZES.size
    content_at = name_at + name_bytes
    end = content_at + content_bytes
    if end > len(data):
        raise Malformed("The bundle ends within a file.")
    name = data[name_at:content_at].decode("ascii", errors="replace")
    if not _NAME.fullmatch(name):
        raise Malformed("A name in the bundle is not one of a repository.")
    return name, data[content_at:end], end
