"""A camera's card on the virtual board: boot by boot ROM, LUKS, updates, power cuts, rot.

The image's own root runs under QEMU, with a stand-in for the verdict of `ready` (`vm_slot`). Needs
`make image BOARD=virtual` and root; a boot takes one to two minutes without KVM.
"""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provisioning.device.boot.boot_rom import BootRom, Ended
from provisioning.tests.test_update import CURVE, LEAF, openssl
from provisioning.tests.workshop import tallylight

HERE = Path(__file__).parent
TOP = HERE.parents[1]
IMAGE = TOP / "build/image/virtual"
BOOT_S = 1800.0
"""Longest boot with its job; a machine that does other work takes 15 minutes."""
MARK = "a name on the data partition of this camera"
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(4 * 3600),
    pytest.mark.skipif(
        os.geteuid() != 0 or not (IMAGE / "card.img").exists(),
        reason="as root, after make image BOARD=virtual",
    ),
]
INSTALL = """
dd if=/dev/disk/by-id/virtio-bundle of=/data/bundle bs=1M 2>/dev/null
truncate -s {size} /data/bundle
rauc install /data/bundle || echo VM refused
rm /data/bundle; sync
"""
REBOOT = "systemctl reboot; sleep 600\n"
SAY = """
. /dev/stdin <<S
$(/usr/lib/tallylight/boot-state /dev/disk/by-partlabel/bootfs get)
S
level=$(cat /run/tallylight/board-key-level)
echo "VM bad=$bad data=$data level=$level kept=$(cat /data/mark 2>/dev/null)"
"""


@dataclass
class Board:
    """A virtual board with a card; each boot may be given a job and a bundle."""

    folder: Path
    rom: BootRom
    said: list[str] = field(default_factory=list)
    """What the last boot said of itself."""

    def boot(self, job: str, bundle: Path | None = None, cut_at: str = "VM end") -> Ended:
        script = job.encode()
        (self.folder / "job").write_bytes(script.ljust(8192, b"\0"))
        disks = [("boardkey", self.folder / "key"), ("job", self.folder / "job")]
        if bundle:
            disks.append(("bundle", padded(bundle)))
        self.rom.disks = disks
        self.said = []

        console = (self.folder / "console.log").open("a", encoding="utf-8")

        def hear(line: str) -> bool:
            print(line, file=console, flush=True)
            if "VM " in line:
                self.said.append(line[line.index("VM ") :])
            return cut_at in line

        with console:
            return self.rom.boot(hear, BOOT_S)


def padded(bundle: Path) -> Path:
    """Return a copy whose length is whole sectors, as a disk's is."""
    disk = bundle.with_suffix(".disk")
    content = bundle.read_bytes()
    disk.write_bytes(content.ljust((len(content) + 511) // 512 * 512, b"\0"))
    return disk


def install(bundle: Path) -> str:
    return INSTALL.format(size=bundle.stat().st_size)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a maker, three versions, and the card of the first."""
    folder = tmp_path
    (folder / "leaf.ext").write_text(LEAF, encoding="ascii")
    openssl(
        folder,
        *("req", "-x509", *CURVE, "-keyout", "ca.key", "-out", "ca.pem"),
        *("-subj", "/CN=ca", "-days", "9"),
    )
    openssl(folder, "req", *CURVE, "-keyout", "m.key", "-out", "m.csr", "-subj", "/CN=Maker")
    signed_by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "leaf.ext")
    openssl(folder, "x509", "-req", "-in", "m.csr", *signed_by, "-days", "9", "-out", "m.pem")
    for version, verdict in (("0.2.0", "ready"), ("0.3.0", "ready"), ("0.4.0", "never")):
        made = folder / version
        subprocess.run(
            [HERE / "vm_slot", IMAGE, version, verdict, folder / "ca.pem", made], check=True
        )
        if version == "0.2.0":
            subprocess.run([TOP / "provisioning/device/image/card", made], check=True)
            continue
        content = folder / f"{version}-content"
        tallylight("update", "build", made, content)
        key = ("--certificate", folder / "m.pem", "--key", folder / "m.key", "--yes")
        tallylight("update", "sign", content, folder / f"{version}.raucb", *key)
    (folder / "key").write_bytes(b"\x5a\xa5" * 16 + bytes(480))
    return folder


@pytest.fixture
def board(folder: Path) -> Board:
    return Board(folder, BootRom(folder / "0.2.0" / "card.img"))


def a_new_card_makes_its_data_partition_and_outlives_a_power_cut_in_an_install(
    board: Board,
) -> None:
    bundle = board.folder / "0.3.0.raucb"
    job = f"echo '{MARK}' >/data/mark; sync\n" + SAY + install(bundle)
    assert board.boot(job, bundle, cut_at="50% Copying image to system.1") is Ended.CUT
    assert board.said[0] == "VM version=0.2.0 slot=a ready"
    assert board.said[1] == f"VM bad=B data=made level=host kept={MARK}"


def b_is_tried_and_committed_after_a(board: Board) -> None:
    bundle = board.folder / "0.3.0.raucb"
    assert board.boot(SAY + install(bundle) + REBOOT, bundle) is Ended.RESET
    assert board.said[0] == "VM version=0.2.0 slot=a ready"
    assert board.said[1] == f"VM bad=B data=made level=host kept={MARK}"
    assert board.rom.tryboot
    board.boot(SAY)
    assert board.said[0] == "VM version=0.3.0 slot=b ready"
    assert board.said[1] == f"VM bad=- data=made level=host kept={MARK}"
    board.boot("")
    assert board.said[0] == "VM version=0.3.0 slot=b ready"


def a_bundle_with_a_changed_byte_leaves_the_committed_slot(board: Board) -> None:
    good = (board.folder / "0.4.0.raucb").read_bytes()
    changed = board.folder / "changed.raucb"
    middle = len(good) // 2
    changed.write_bytes(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
    assert board.boot(install(changed) + SAY, changed) is Ended.CUT
    assert "VM refused" in board.said
    assert any(line.startswith("VM bad=A data=made") for line in board.said)


def a_version_that_never_gets_ready_is_left(board: Board) -> None:
    bundle = board.folder / "0.4.0.raucb"
    assert board.boot(install(bundle) + REBOOT, bundle) is Ended.RESET
    assert board.boot(SAY) is Ended.RESET
    assert board.said[0] == "VM version=0.4.0 slot=a never"
    board.boot(SAY)
    assert board.said[0] == "VM version=0.3.0 slot=b ready"
    assert board.said[1] == f"VM bad=A data=made level=host kept={MARK}"


def a_committed_slot_that_rots_is_left_for_the_version_before(board: Board) -> None:
    bundle = board.folder / "0.3.0.raucb"
    board.boot(install(bundle) + REBOOT, bundle)
    board.boot("")
    assert board.said[0] == "VM version=0.3.0 slot=a ready"
    flip_system(board.rom.card, "system_a")
    ends = [board.boot("") for _ in range(5)]
    assert ends == [Ended.RESET] * 4 + [Ended.CUT]
    assert board.said[0] == "VM version=0.3.0 slot=b ready"


def the_card_shows_nothing_of_what_was_kept(board: Board) -> None:
    found = subprocess.run(["grep", "-c", "-a", MARK, board.rom.card], check=False)
    assert found.returncode == 1


def flip_system(card: Path, name: str) -> None:
    """Change a byte in the first block of a system partition."""
    dump = subprocess.run(["sfdisk", "-d", card], capture_output=True, text=True, check=True)
    (line,) = (line for line in dump.stdout.splitlines() if f'name="{name}"' in line)
    start = int(line.split("start=")[1].split(",")[0]) * 512
    with card.open("r+b") as file:
        file.seek(start + 1100)
        byte = file.read(1)
        file.seek(start + 1100)
        file.write(bytes([byte[0] ^ 1]))


def test_the_life_of_a_card_from_its_first_boot_to_a_slot_that_rots(board: Board) -> None:
    a_new_card_makes_its_data_partition_and_outlives_a_power_cut_in_an_install(board)
    b_is_tried_and_committed_after_a(board)
    a_bundle_with_a_changed_byte_leaves_the_committed_slot(board)
    a_version_that_never_gets_ready_is_left(board)
    a_committed_slot_that_rots_is_left_for_the_version_before(board)
    the_card_shows_nothing_of_what_was_kept(board)
