"""What this machine runs from is not offered for overwriting; a card in a reader is."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import FlashRefused
from provisioning.flash.block_devices import (
    Refusal,
    Target,
    choose,
    is_package,
    judge,
    parse_lsblk,
    read_disks,
)

CARD: dict[str, Any] = {
    "name": "sdb", "path": "/dev/sdb", "maj:min": "8:16", "size": 31_914_983_424, "ro": False,
    "rm": True, "hotplug": True, "tran": "usb", "type": "disk", "mountpoints": [None],
    "vendor": "Generic ", "model": "STORAGE DEVICE", "serial": "000000000821", "fstype": None,
    "label": None, "partlabel": None,
}  # fmt: skip
"""A card in a USB reader, as lsblk of util-linux 2.38 reports it."""


def part(**said: object) -> dict[str, Any]:
    return CARD | {"name": "sdb1", "path": "/dev/sdb1", "maj:min": "8:17", "type": "part"} | said


def test_a_card_in_a_reader_is_offered_with_what_a_person_knows_it_by() -> None:
    parts = [part(label="HOLIDAY", fstype="exfat")]
    found = judge(CARD | {"children": parts})
    assert found == Target(
        "/dev/sdb", os.makedev(8, 16), 31_914_983_424, "Generic STORAGE DEVICE", "000000000821",
        "/dev/sdb", "1 partition: HOLIDAY",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("disk", "why"),
    [
        (CARD | {"children": [part(mountpoints=["/"])]}, "holds this machine's own files"),
        (CARD | {"children": [part(mountpoints=["[SWAP]"])]}, "is swap space"),
        (CARD | {"children": [part(mountpoints=["/media/stick"])]}, "eject it first"),
        (CARD | {"mountpoints": ["/mnt"]}, "eject it first"),
        (CARD | {"children": [part(fstype="LVM2_member")]}, "volume group"),
        (CARD | {"children": [part(fstype="linux_raid_member")]}, "an array"),
        (CARD | {"children": [part(children=[part(type="raid1")])]}, "an array"),
        (CARD | {"children": [part(children=[part(type="crypt")])]}, "is open"),
        (
            CARD | {"children": [part(children=[part(type="crypt", mountpoints=["/"])])]},
            "holds this machine's own files",
        ),
        (CARD | {"size": 0}, "a reader without a card"),
        (CARD | {"ro": True}, "write-protected"),
        (CARD | {"rm": False, "hotplug": False, "tran": "nvme"}, "cannot be taken out"),
        (CARD | {"rm": False, "hotplug": False, "tran": "mmc"}, "cannot be taken out"),
        (CARD | {"rm": False, "hotplug": True, "tran": "mmc"}, "cannot be taken out"),
        (CARD | {"fstype": "isw_raid_member"}, "an array"),
        (CARD | {"children": [part(children=[part(type="vdo")])]}, "is open"),
        (CARD | {"rm": False, "hotplug": False, "tran": None}, "no bus"),
        (part(), "name the whole card"),
        (CARD | {"type": "rom"}, "name the whole card"),
    ],
)
def test_a_disk_in_use_is_refused_with_the_reason(disk: dict[str, Any], why: str) -> None:
    found = judge(disk)
    assert isinstance(found, Refusal)
    assert why in found.why


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ({"type": "loop", "ro": True, "mountpoints": ["/snap/core"]}, True),
        ({"type": "loop"}, False),
        ({"ro": True}, False),
    ],
)
def test_a_read_only_loop_device_is_a_package_and_no_card(
    said: dict[str, object], *, is_one: bool
) -> None:
    assert is_package(CARD | said) is is_one


def test_a_built_in_reader_is_taken_when_it_is_named_twice() -> None:
    built_in = CARD | {"rm": False, "hotplug": False, "tran": "mmc"}
    assert isinstance(judge(built_in, not_removable=["/dev/sdb"]), Target)
    mounted = built_in | {"mountpoints": ["/"]}
    assert isinstance(judge(mounted, not_removable=["/dev/sdb"]), Refusal)


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (["/dev/sdb", "/dev/sdb"], "named twice"),
        (["/dev/nothing-here"], "There is no device"),
        (["/dev/null"], "neither a memory card nor a plain file"),
        (["/dev/sdb1"], "name the whole card"),
        (["/nowhere/at/all"], "There is no device"),
    ],
)
def test_what_is_no_card_is_refused(paths: list[str], why: str) -> None:
    with pytest.raises(FlashRefused, match=why):
        choose(paths, [CARD | {"children": [part()]}])


def test_the_disk_that_this_machine_runs_from_is_not_offered() -> None:
    mounted = Path("/").stat().st_dev
    own = [disk for disk in read_disks() if _holds(disk, mounted)]
    assert all(isinstance(judge(disk), Refusal) for disk in own)


def _holds(disk: dict[str, Any], device: int) -> bool:
    major, minor = (int(number) for number in disk["maj:min"].split(":"))
    return os.makedev(major, minor) == device or any(
        _holds(child, device) for child in disk.get("children", ())
    )


def test_a_file_is_a_card_for_training(tmp_path: Path) -> None:
    (tmp_path / "card").write_bytes(b"before")
    assert [found.contents for found in choose([str(tmp_path / "card")], [])] == ["6 bytes"]
    assert [found.contents for found in choose([str(tmp_path / "new")], [])] == ["a new file"]


def test_what_a_card_says_of_itself_moves_no_cursor() -> None:
    said = {
        "model": "evil\x1b[2J\u202egnp", "label": "a\x1b]0;x\x07", "mountpoints": ["/m/\x1b[2K"],
    }  # fmt: skip
    content = json.dumps({"blockdevices": [CARD | said]}).encode()
    (disk,) = parse_lsblk(content.replace(b"evil", b"ev\xffil"))
    assert (disk["model"], disk["label"]) == ("ev\ufffdil?[2J?gnp", "a?]0;x?")
    assert "mounted at /m/?[2K" in getattr(judge(disk), "why", "")
