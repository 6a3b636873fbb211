"""The boot ROM of a Raspberry Pi for the virtual board: autoboot.txt, tryboot, reset, QEMU.

It reads the card image as the ROM reads a card: `autoboot.txt` of the first partition names the
partition to boot, and that one holds kernel, initial RAM disk and command line. It starts QEMU with
them. A guest that reboots with the argument `0 tryboot` sets the one-shot flag; a power cut clears
it. The kernel's own words on the console say with which argument it reboots.

It imitates no boot order, no EEPROM update and no signed boot. The guest's clock counts
instructions (`-icount`), so that it runs no faster than its processor, however busy this machine
is. While the guest waits for its disks, the clock follows real time: with `sleep=off` it would jump
from timer to timer, and watchdog and D-Bus would time out before a disk has answered.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory
from typing import IO, Final

from provisioning.errors import BootRefused

FILES: Final = ("vmlinuz", "initrd.img", "cmdline.txt")
"""What a boot partition of the virtual board holds."""
SECTOR_BYTES: Final = 512
MEMORY_MB: Final = 768
_CONSOLE_LIMIT: Final = 4 * 1024 * 1024
_NAMES: Final = "boot_partition="
_TRYBOOT: Final = re.compile(rb"reboot: Restarting system with command '0 tryboot'")


class Reset(StrEnum):
    """What began a boot, as a Pi's PM_RSTS register tells it."""

    POWER = "power"
    WARM = "warm"


class Ended(StrEnum):
    """How one boot ended."""

    RESET = "reset"
    """The guest reset itself, or its watchdog did."""
    CUT = "cut"
    """The power was cut, as the caller asked."""
    LATE = "late"
    """The time was over; the power was cut."""


@dataclass(slots=True)
class BootRom:
    """A board with a card in it; its two registers outlive a reset and not a power cut."""

    card: Path
    disks: Sequence[tuple[str, Path]] = ()
    """Further disks as (serial number, file), such as the board's key."""
    qemu: str = "qemu-system-x86_64"
    tryboot: bool = field(init=False, default=False)
    """The one-shot flag."""
    reset: Reset = field(init=False, default=Reset.POWER)

    def boot(self, cut_at: Callable[[str], bool], limit_s: float) -> Ended:
        """Boot once, and run until the guest resets, `cut_at` a line of its console, or the limit.

        Args:
            cut_at: is given each line of the console; True cuts the power there.
            limit_s: seconds of wall time; then the power is cut, too.

        Raises:
            BootRefused: the card names no partition that could be booted.
        """
        partitions = partition_starts(self.card)
        partition = chosen_partition(
            read_file(self.card, partitions[1], "autoboot.txt"), tryboot=self.tryboot
        )
        tried, self.tryboot = self.tryboot, False
        if partition not in partitions:
            raise BootRefused(f"autoboot.txt names partition {partition}, which the card has not.")
        with TemporaryDirectory() as folder:
            for name in FILES:
                (Path(folder) / name).write_bytes(read_file(self.card, partitions[partition], name))
            words = (Path(folder) / "cmdline.txt").read_text(
                encoding="ascii"
            ).strip() + f" tl.partition={partition} tl.tryboot={int(tried)} tl.reset={self.reset}"
            ended = self._run(Path(folder), words, cut_at, limit_s)
        self.reset = Reset.WARM if ended is Ended.RESET else Reset.POWER
        if ended is not Ended.RESET:
            self.tryboot = False
        return ended

    def _run(
        self, folder: Path, words: str, cut_at: Callable[[str], bool], limit_s: float
    ) -> Ended:
        drives = [("card", self.card), *self.disks]
        until_s = time.monotonic() + limit_s
        with subprocess.Popen(  # noqa: S603  # The command is this module's own.
            [*qemu_command(self.qemu, folder, words), *_drives(drives)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as guest:
            assert guest.stdout is not None  # noqa: S101  # A pipe was asked for.
            try:
                for line in _lines(guest.stdout, until_s):
                    if _TRYBOOT.search(line):
                        self.tryboot = True
                    if cut_at(line.decode("utf-8", "replace").rstrip()):
                        return Ended.CUT
                if time.monotonic() >= until_s:
                    return Ended.LATE
                return Ended.RESET
            finally:
                with suppress(ProcessLookupError):
                    guest.kill()


def chosen_partition(autoboot: bytes, *, tryboot: bool) -> int:
    """Return the number of the partition that a Pi boots, by its `autoboot.txt`.

    Raises:
        BootRefused: it names none.
    """
    section, found = "all", dict[str, int]()
    for line in autoboot[:SECTOR_BYTES].decode("ascii", "replace").splitlines():
        words = line.strip()
        if words.startswith("[") and words.endswith("]"):
            section = words[1:-1]
        elif words.startswith(_NAMES) and words.removeprefix(_NAMES).isdecimal():
            found[section] = int(words.removeprefix(_NAMES))
    if tryboot and "tryboot" in found:
        return found["tryboot"]
    if "all" not in found:
        raise BootRefused("autoboot.txt of the card names no partition: flash the card again.")
    return found["all"]


def qemu_command(qemu: str, folder: Path, words: str) -> list[str]:
    """Return the command that starts the virtual board with the kernel in `folder`."""
    return [
        qemu,
        *("-accel", "tcg,thread=single", "-icount", "shift=2,sleep=on"),
        *("-cpu", "max", "-M", "q35", "-smp", "1", "-m", str(MEMORY_MB)),
        *("-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"),
        *("-device", "i6300esb", "-device", "virtio-rng-pci"),
        *("-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd.img")),
        *("-append", words),
    ]


def _drives(drives: Sequence[tuple[str, Path]]) -> list[str]:
    return [
        word
        for serial, path in drives
        for word in (
            "-drive",
            f"if=none,format=raw,file={path},id={serial},cache=writethrough",
            "-device",
            f"virtio-blk-pci,drive={serial},serial={serial}",
        )
    ]


def _lines(console: IO[bytes], until_s: float) -> Iterator[bytes]:
    """Yield the lines of a console, until it ends or the time is over; each is bounded."""
    line = b""
    while (left_s := until_s - time.monotonic()) > 0:
        if not select([console], [], [], min(left_s, 1.0))[0]:
            continue
        data = os.read(console.fileno(), 65536)
        if not data:
            yield from [line] if line else []
            return
        *whole, line = (line + data)[-_CONSOLE_LIMIT:].split(b"\n")
        yield from whole


def partition_starts(card: Path) -> dict[int, int]:
    """Return where each partition of a card begins, in bytes, by its number."""
    found = subprocess.run(["sfdisk", "-J", str(card)], capture_output=True, check=False)  # noqa: S603, S607
    if found.returncode != 0:
        raise BootRefused(f"{card} has no partition table: give the image of a card.")
    table = json.loads(found.stdout)["partitiontable"]["partitions"]
    return {number: one["start"] * SECTOR_BYTES for number, one in enumerate(table, 1)}


def read_file(card: Path, start: int, name: str) -> bytes:
    """Return a file of the FAT that begins at a byte of a card.

    Raises:
        BootRefused: there is none.
    """
    command = ["mtype", "-i", f"{card}@@{start}", f"::{name}"]
    found = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if found.returncode != 0:
        raise BootRefused(f"The partition at byte {start} of {card} has no {name}.")
    return found.stdout


def _show(line: str) -> bool:
    print(line, flush=True)  # noqa: T201  # The console of the board.
    return False


if __name__ == "__main__":
    board = BootRom(Path(sys.argv[1]), [("boardkey", Path(sys.argv[2]))])
    while board.boot(_show, limit_s=24 * 3600) is Ended.RESET:
        print("boot ROM: reset", flush=True)  # noqa: T201
