"""Rollback floors: the lowest accepted version of every TUF role, and the latest trusted time.

The last accepted repository says so, too, but it is a folder of many files on a card that wears
out. These few figures are kept twice, each copy with its own digest, and each is on the disk before
the next is touched. So one copy is whole after a power cut. If both are broken the camera refuses,
because it cannot tell what was rolled back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from firmware.delivery import durable
from firmware.errors import FloorsBroken
from formats.errors import FormatError
from formats.strict_json import Fields, dumps, parse

COPIES: Final = ("floors.1", "floors.2")
ROLES: Final = ("root", "targets", "site", "snapshot", "timestamp")
"""The roles, whose versions only grow."""

_LIMIT: Final = 1024
_DIGEST_DIGITS: Final = 64


@dataclass(frozen=True, slots=True)
class Floors:
    """The lowest versions and time that the camera accepts."""

    utc_s: int = 0
    """The latest moment, seconds since 1970, that this camera has saved."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """By role of `ROLES`."""

    def raised(self, other: "Floors") -> "Floors":
        """Return the higher of two, figure by figure."""
        versions = {
            role: max(self.versions.get(role, 0), other.versions.get(role, 0)) for role in ROLES
        }
        return Floors(max(self.utc_s, other.utc_s), versions)


def read_floors(folder: Path) -> Floors:
    """Return the floors in `folder`; zeros if none were written.

    Raises:
        FloorsBroken: copies are there and none of them is whole.
    """
    paths = [folder / name for name in COPIES if (folder / name).exists()]
    whole = [floors for path in paths if (floors := _read_copy(path)) is not None]
    if paths and not whole:
        raise FloorsBroken(
            f"Both copies of the floors in {folder} are broken, so a rollback cannot be noticed: "
            "put a new image and new keys on the camera, and register it again."
        )
    found = Floors()
    for floors in whole:
        found = found.raised(floors)
    return found


def raise_floors(folder: Path, floors: Floors) -> None:
    """Make the floors at least as high as these; they are on the disk when this returns.

    Raises:
        FloorsBroken: both copies of the old floors are broken.
        OSError: the folder cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = read_floors(folder)
    after = before.raised(floors)
    content = dumps({"utc_s": after.utc_s, "versions": dict(after.versions)})
    line = sha256(content).hexdigest().encode() + content
    for name in COPIES:
        path = folder / name
        if not path.exists() or path.read_bytes() != line:
            durable.replace(path, line)


def _read_copy(path: Path) -> Floors | None:
    line = path.read_bytes()
    digest, content = line[:_DIGEST_DIGITS], line[_DIGEST_DIGITS:]
    if digest != sha256(content).hexdigest().encode():
        return None
    try:
        return parse(content, _read, limit=_LIMIT, what="floors")
    except FormatError:
        return None


def _read(fields: Fields) -> Floors:
    return Floors(fields.integer("utc_s"), fields.object("versions", _read_versions))


def _read_versions(fields: Fields) -> dict[str, int]:
    return {role: fields.integer(role) for role in ROLES}
