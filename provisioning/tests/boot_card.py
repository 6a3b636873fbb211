"""A camera's boot files in a folder: the real scripts beside a bootfs image, for tests of slots."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BOOT: Final = Path(__file__).parents[1] / "device" / "boot"
SCRIPTS: Final = BOOT / "files" / "usr" / "lib" / "tallylight"
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BootCard:
    """The scripts of a camera, whose paths begin at `top`."""

    top: Path

    @property
    def bootfs(self) -> Path:
        return self.top / "dev/disk/by-partlabel/bootfs"

    @property
    def autoboot(self) -> Path:
        """The file as a mounted bootfs shows it."""
        return self.top / "bootfs/autoboot.txt"

    def runs(self, slot: str) -> None:
        """Make this slot, A or B, the one that runs; a reset empties /run."""
        shutil.rmtree(self.top / "run", ignore_errors=True)
        (self.top / "run/tallylight").mkdir(parents=True)
        (self.top / "run/tallylight/slot").write_text(f"{slot.lower()}\n", encoding="ascii")

    def slots(self, *words: str) -> str:
        """Call RAUC's back-end; return what it prints."""
        return _output(self.top / "usr/lib/tallylight/slots", *words)

    def state(self, name: str) -> str:
        found = _output(self.top / "usr/lib/tallylight/boot-state", str(self.bootfs), "get")
        return dict(word.split("=") for word in found.split())[name]

    def choice(self, slot: str, *, tryboot: bool, reset: str) -> str:
        """Ask as the initial RAM disk does: `go` or `other`."""
        program = self.top / "usr/lib/tallylight/choice"
        return _output(program, str(self.bootfs), slot, str(int(tryboot)), reset)

    def asks_for_tryboot(self) -> bool:
        """Return whether the next reboot has the argument `0 tryboot`."""
        param = self.top / "run/systemd/reboot-param"
        return param.exists() and param.read_text(encoding="ascii") == "0 tryboot\n"


def new_card(top: Path, bootfs: bytes) -> BootCard:
    """Return a camera whose card was just flashed; slot A runs."""
    card = BootCard(top)
    shutil.copytree(SCRIPTS, top / "usr/lib/tallylight")
    shutil.copy(BOOT / "choice", top / "usr/lib/tallylight/choice")
    card.bootfs.parent.mkdir(parents=True)
    card.bootfs.write_bytes(bootfs)
    card.autoboot.parent.mkdir()
    card.autoboot.write_bytes(read_autoboot(card.bootfs))
    card.runs("A")
    return card


def make_bootfs(out: Path) -> bytes:
    """Return the bootfs that an image begins with."""
    subprocess.run([BOOT / "bootfs", out], check=True)
    return out.read_bytes()


def read_autoboot(bootfs: Path) -> bytes:
    """Read autoboot.txt with mtools, as a boot ROM would."""
    command = ["mtype", "-i", str(bootfs), "::autoboot.txt"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def _output(program: Path, *words: str) -> str:
    found = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise ValueError(found.stderr)
    return found.stdout.strip()


def flash_card(card: Path, files: Sequence[str]) -> Path:
    """Make a small card whose slots say in their command line which they are."""
    with card.open("wb") as image:
        image.truncate(40 * MIB)
    table = "label: gpt\n" + "".join(
        f"start={start * MIB // 512}, size={size}MiB, name={name}\n"
        for name, start, size in (("bootfs", 1, 16), ("boot_a", 17, 10), ("boot_b", 27, 10))
    )
    subprocess.run(["sfdisk", "-q", card], input=table.encode(), check=True)
    _write_at(card, 1, make_bootfs(card.with_suffix(".bootfs")))
    for slot, start in (("a", 17), ("b", 27)):
        boot = card.with_suffix(f".{slot}")
        with boot.open("wb") as image:
            image.truncate(10 * MIB)
        subprocess.run(["mkfs.vfat", boot], check=True, capture_output=True)
        for name in files:
            content = card.with_name(name)
            content.write_text(f"slot {slot}\n", encoding="ascii")
            subprocess.run(["mcopy", "-o", "-i", boot, content, f"::{name}"], check=True)
        _write_at(card, start, boot.read_bytes())
    return card


def _write_at(card: Path, start_mib: int, content: bytes) -> None:
    with card.open("r+b") as image:
        image.seek(start_mib * MIB)
        image.write(content)
