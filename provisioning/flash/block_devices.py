"""Which block devices may be overwritten: `lsblk` read, and each disk refused that is in use.

Refused are: what this machine runs from or swaps to, what is mounted, parts of arrays and volume
groups, a partition in place of its card, a write-protected card, a reader without a card, and a
disk that cannot be taken out, unless it is named with `--not-removable`.

A regular file is a target as well: for training, tests and virtual cameras.
"""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from formats.counts import counted
from formats.strict_json import UNPRINTABLE
from provisioning.errors import FlashRefused

COLUMNS: Final = (
    "NAME,PATH,MAJ:MIN,SIZE,RO,RM,HOTPLUG,TRAN,TYPE,MOUNTPOINTS,VENDOR,MODEL,SERIAL,FSTYPE,LABEL,"
    "PARTLABEL"
)
LSBLK_S: Final = 30
"""Longest time of lsblk, in seconds: a reader that is being pulled out can delay it."""
MEMBERS: Final = frozenset({"bcache", "drbd", "ceph_bluestore"})
"""File system types of a disk that is a part of something larger; others end with `_member`."""
PLAIN: Final = frozenset({"disk", "loop", "part"})
"""Types of a card and of its partitions. Another type is built on top of one; RAID types begin with
`raid`."""


@dataclass(frozen=True, slots=True)
class Target:
    """A card or a file that may be overwritten, as the person who confirms sees it."""

    path: str
    number: int
    """The device number, or 0 for a regular file."""
    size: int
    """Bytes; 0 for a file that does not exist yet."""
    model: str
    serial: str
    reader: str
    """The place of the reader, by USB port, or the path where the system does not say."""
    contents: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A disk that may not be overwritten, and why, in a sentence."""

    path: str
    why: str


_Tree = dict[str, Any]


def read_disks() -> list[_Tree]:
    """Return the disks of this machine, as `lsblk` reports them.

    Raises:
        FlashRefused: lsblk is missing or fails.
    """
    program = shutil.which("lsblk")
    if program is None:
        raise FlashRefused("lsblk is missing: install the package util-linux.")
    try:
        done = subprocess.run(  # noqa: S603  # lsblk, with fixed words.
            [program, "-J", "-b", "-o", COLUMNS],
            capture_output=True,
            timeout=LSBLK_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FlashRefused(
            f"lsblk gave no answer in {LSBLK_S} s: pull out the reader that hangs."
        ) from error
    if done.returncode:
        raise FlashRefused(f"lsblk fails: {_shown(done.stderr.decode(errors='replace').strip())}.")
    return parse_lsblk(done.stdout)


def parse_lsblk(content: bytes) -> list[_Tree]:
    """Return the disks in what `lsblk -J` printed, with texts that a terminal can show.

    A device or a card chooses its model, serial number and labels. A control character in one of
    them is replaced by `?`, so that it moves no cursor and hides no line.
    """
    disks: list[_Tree] = json.loads(content.decode(errors="replace"), object_hook=_shown_texts)[
        "blockdevices"
    ]
    return disks


def _shown_texts(disk: _Tree) -> _Tree:
    return {name: _shown(value) for name, value in disk.items()}


def _shown(value: Any) -> Any:  # noqa: ANN401  # A JSON value.
    if isinstance(value, str):
        return UNPRINTABLE.sub("?", value)
    return [_shown(each) for each in value] if isinstance(value, list) else value


def judge(disk: _Tree, *, not_removable: Sequence[str] = ()) -> Target | Refusal:
    """Return a disk of `lsblk` as a target, or why it may not be overwritten."""
    path = str(disk["path"])
    why = _refusal(disk, not_removable)
    if why is not None:
        return Refusal(path, why)
    major, minor = (int(part) for part in str(disk["maj:min"]).split(":"))
    return Target(
        path,
        os.makedev(major, minor),
        int(disk["size"]),
        " ".join(str(disk[name]).strip() for name in ("vendor", "model") if disk[name])
        or disk["type"],
        str(disk["serial"] or ""),
        reader_place(path),
        describe_contents(disk),
    )


def is_package(disk: _Tree) -> bool:
    """Return whether a disk is a read-only loop device, as each package of snap has one."""
    return disk["type"] == "loop" and bool(disk["ro"])


def _refusal(disk: _Tree, not_removable: Sequence[str]) -> str | None:
    path = disk["path"]
    if disk["type"] not in {"disk", "loop"}:
        return f"{path} is a {disk['type']}: name the whole card, and not a part of it."
    for part in _parts(disk):
        if why := _use(part):
            return why
    if not disk["size"]:
        return f"{path} is a reader without a card."
    if disk["ro"]:
        return f"{path} is write-protected: move the switch of the card."
    # Of a card and of a built-in eMMC disk alike, lsblk says `mmc` and that it is hot-pluggable.
    plugged = disk["hotplug"] and disk["tran"] != "mmc"
    removable = disk["rm"] or plugged or disk["tran"] == "usb" or disk["type"] == "loop"
    if not removable and path not in not_removable:
        bus = disk["tran"] or "no bus"
        return f"{path} cannot be taken out ({bus}): if it is the card, add --not-removable {path}."
    return None


def _use(part: _Tree) -> str | None:
    """Return what a disk or partition is in use for."""
    mounted = [place for place in part["mountpoints"] or () if place]
    if mounted:
        return _mounted(part["path"], mounted[0])
    member = str(part["fstype"] or "")
    if member in MEMBERS or member.endswith("_member") or str(part["type"]).startswith("raid"):
        return f"{part['path']} belongs to an array or a volume group."
    if part["type"] not in PLAIN:
        return f"{part['path']} is open: close it first."
    return None


def _mounted(path: str, place: str) -> str:
    if place == "[SWAP]":
        return f"{path} is swap space of this machine."
    if place in {"/", "/boot", "/boot/efi", "/home", "/usr", "/var"}:
        return f"{path} holds this machine's own files ({place})."
    return f"{path} is mounted at {place}: eject it first."


def _parts(disk: _Tree) -> Iterator[_Tree]:
    yield disk
    for child in disk.get("children", ()):
        yield from _parts(child)


def describe_contents(disk: _Tree) -> str:
    """Return what is on a disk, in a few words: its partitions' names, or `nothing known`."""
    parts = [part for part in _parts(disk) if part is not disk]
    named = [
        str(part["label"] or part["partlabel"] or part["fstype"] or "unnamed")
        for part in parts or [disk]
    ]
    if parts:
        return f"{counted(len(parts), 'partition')}: {', '.join(named)}"
    return named[0] if named[0] != "unnamed" else "nothing known"


def reader_place(path: str) -> str:
    """Return the place of a reader (/dev/disk/by-path), which stays when the card changes."""
    folder = Path("/dev/disk/by-path")
    if folder.is_dir():
        for link in sorted(folder.iterdir()):
            if link.resolve() == Path(path):
                return link.name
    return path


def choose(
    paths: Sequence[str],
    disks: Sequence[_Tree],
    *,
    not_removable: Sequence[str] = (),
    needed: Sequence[Path] = (),
) -> list[Target]:
    """Return the named devices as targets, in the order in which they were named.

    Args:
        paths: devices, or files.
        disks: what `read_disks` returned.
        not_removable: devices that may be overwritten although they cannot be taken out.
        needed: files that are read or written besides, such as the image.

    Raises:
        FlashRefused: one is named twice, is not there, is needed, or may not be overwritten.
    """
    known = {part["path"]: part for disk in disks for part in _parts(disk)}
    chosen: dict[str, Target] = {}
    for path in paths:
        real = os.path.realpath(path)
        if any(_same(real, other) for other in chosen):
            raise FlashRefused(f"{path} is named twice.")
        if any(_same(real, other) for other in needed):
            raise FlashRefused(f"{path} is needed for this run: name a card, or another file.")
        if real in known:
            judged = judge(known[real], not_removable=not_removable)
        else:
            judged = _judge_file(Path(real))
        if isinstance(judged, Refusal):
            raise FlashRefused(judged.why)
        chosen[real] = judged
    return list(chosen.values())


def _same(path: str, other: str | Path) -> bool:
    """Return whether two paths lead to one file, also by a second name of it."""
    try:
        return Path(path).samefile(other)
    except FileNotFoundError:
        return os.path.realpath(other) == path


def _judge_file(path: Path) -> Target | Refusal:
    try:
        found = path.stat()
    except FileNotFoundError:
        if str(path).startswith("/dev/") or not path.parent.is_dir():
            return Refusal(str(path), f"There is no device {path}: tallylight flash lists them.")
        return Target(str(path), 0, 0, "file", "", str(path), "a new file")
    if not stat.S_ISREG(found.st_mode):
        return Refusal(str(path), f"{path} is neither a memory card nor a plain file.")
    return Target(str(path), 0, found.st_size, "file", "", str(path), f"{found.st_size} bytes")
