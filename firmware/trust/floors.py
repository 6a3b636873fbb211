"""Rollback floors: the lowest accepted version of every TUF role, and the latest trusted time.

The last accepted repository says so, too, but it is a folder of many files on a card that wears
out. These few figures are kept twice, each copy with its own digest, and each is on the disk before
the next is touched. So one copy is whole after a power cut. If both are broken or gone the camera
refuses, because it cannot tell what was rolled back. A new camera's first floors are written before
its keys (`firmware.identity`), so that keys without floors are no new camera.

Beside the time stands the boot in which it was saved, and CLOCK_BOOTTIME: from these a restart
within one boot knows how much time has passed, also if a time server sets the clock back.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from firmware.errors import FloorsBroken, ForeignFile
from firmware.folder import Folder
from formats.errors import FormatError
from formats.strict_json import Fields, JsonValue, dumps, parse

COPIES: Final = ("floors.1", "floors.2")
ROLES: Final = ("root", "targets", "site", "snapshot", "timestamp")
"""The roles, whose versions only grow."""

DRIFT_PPM: Final = 100
"""How much faster than true time CLOCK_BOOTTIME may run: crystals of computers are within 50 to 100
parts per million, which is at most 9 s a day."""

_LIMIT: Final = 1024
_DIGEST_DIGITS: Final = 64
_FILE_LIMIT: Final = _DIGEST_DIGITS + _LIMIT


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trusted time, and where CLOCK_BOOTTIME of its boot stood."""

    utc_s: int
    """The time, seconds since 1970."""
    boot_id: bytes
    """(16,) the kernel's name of the boot."""
    boottime_s: int
    """CLOCK_BOOTTIME of that boot, rounded up."""
    until_utc_s: int
    """The end of the list in use: a clock that ran ahead locks the camera out of no time after."""

    def earliest_utc_s(self, boot_id: bytes, boottime_s: float) -> float:
        """Return the earliest time that it can be, at this CLOCK_BOOTTIME of this boot.

        In another boot only the saved time is known. Each boot then begins anew, so that a clock
        that ran ahead and was set right is trusted again once it has passed the saved time.
        """
        if boot_id != self.boot_id:
            return self.utc_s
        passed_s = max(0.0, boottime_s - self.boottime_s) * (1 - DRIFT_PPM / 1e6)
        return max(self.utc_s, min(self.utc_s + passed_s, self.until_utc_s))


@dataclass(frozen=True, slots=True)
class Floors:
    """The lowest versions and time that the camera accepts."""

    utc_s: int = 0
    """The latest moment, seconds since 1970, that this camera has saved."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """By role of `ROLES`."""
    anchor: Anchor | None = None
    """The time last saved by the trusted clock; None in floors of the version before."""

    def raised(self, other: "Floors") -> "Floors":
        """Return the higher of two, figure by figure, and the anchor of the later."""
        versions = {
            role: max(self.versions.get(role, 0), other.versions.get(role, 0)) for role in ROLES
        }
        anchor = _later(self.anchor, other.anchor)
        return Floors(max(self.utc_s, other.utc_s), versions, anchor)


def floors_of(metadata: Path) -> Path:
    """Return the folder of the floors that belong to the accepted repository in `metadata`."""
    return metadata.with_name("floors")


def begin_floors(folder: Path) -> None:
    """Write the floors of a camera that has accepted nothing, unless it has floors."""
    with Folder.made(folder, 0o700) as open_folder:
        if not any(open_folder.status(name) for name in COPIES):
            _write(open_folder, Floors())


def read_floors(folder: Path) -> Floors:
    """Return the floors in `folder`.

    Raises:
        FloorsBroken: there are none, or no copy is whole.
    """
    try:
        with Folder(folder) as open_folder:
            return _read_whole(open_folder)
    except FileNotFoundError as error:
        raise _lost(folder) from error


def raise_floors(folder: Path, floors: Floors) -> None:
    """Make the floors at least as high as these; they are on the disk when this returns.

    Raises:
        FloorsBroken: there are no old floors, or no copy of them is whole.
        OSError: the folder cannot be written.
    """
    try:
        with Folder(folder) as open_folder:
            _write(open_folder, _read_whole(open_folder).raised(floors))
    except FileNotFoundError as error:
        raise _lost(folder) from error


def _write(folder: Folder, floors: Floors) -> None:
    versions = dict(floors.raised(Floors()).versions)
    fields: dict[str, JsonValue] = {"utc_s": floors.utc_s, "versions": versions}
    if floors.anchor is not None:
        fields["anchor"] = asdict(floors.anchor) | {"boot_id": floors.anchor.boot_id.hex()}
    content = dumps(fields)
    line = sha256(content).hexdigest().encode() + content
    for name in COPIES:
        if _read_line(folder, name) != line:
            folder.replace(name, line)


def _read_whole(folder: Folder) -> Floors:
    lines = [_read_line(folder, name) for name in COPIES]
    whole = [floors for line in lines if line and (floors := _read_copy(line)) is not None]
    if not whole:
        raise _lost(folder.path)
    found = Floors()
    for floors in whole:
        found = found.raised(floors)
    return found


def _read_line(folder: Folder, name: str) -> bytes | None:
    """Return the content of a copy; None if it is missing or no file of this size."""
    try:
        return folder.read(name, limit=_FILE_LIMIT)
    except (FileNotFoundError, ForeignFile):
        return None


def _lost(folder: Path) -> FloorsBroken:
    return FloorsBroken(
        f"The floors in {folder} are broken or gone, so a rollback cannot be noticed: put a new "
        "image and new keys on the camera, and register it again."
    )


def _read_copy(line: bytes) -> Floors | None:
    digest, content = line[:_DIGEST_DIGITS], line[_DIGEST_DIGITS:]
    if digest != sha256(content).hexdigest().encode():
        return None
    try:
        return parse(content, _read, limit=_LIMIT, what="floors")
    except FormatError:
        return None


def _later(before: Anchor | None, after: Anchor | None) -> Anchor | None:
    """Return the anchor that was saved later, no lower than the earlier one allows."""
    if before is None or after is None:
        return after or before
    if before.boot_id == after.boot_id and before.boottime_s > after.boottime_s:
        before, after = after, before
    earliest_s = before.earliest_utc_s(after.boot_id, after.boottime_s)
    return replace(after, utc_s=max(after.utc_s, int(earliest_s)))


def _read(fields: Fields) -> Floors:
    utc_s, versions = fields.integer("utc_s"), fields.object("versions", _read_versions)
    anchor = fields.object("anchor", _read_anchor) if fields.has("anchor") else None
    return Floors(utc_s, versions, anchor)


def _read_anchor(fields: Fields) -> Anchor:
    return Anchor(
        utc_s=fields.utc_s("utc_s"),
        boot_id=fields.hex_bytes("boot_id", 16),
        boottime_s=fields.integer("boottime_s"),
        until_utc_s=fields.utc_s("until_utc_s"),
    )


def _read_versions(fields: Fields) -> dict[str, int]:
    return {role: fields.integer(role) for role in ROLES}
