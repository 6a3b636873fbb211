"""A card of the day in the virtual machine: boot ROM, kernel, dm-verity, LUKS, RAUC, fall-back.

The kernel is QEMU's guest, so a boot takes minutes without KVM. The version's stand-in for `ready`
(`vm_slot`) gives the verdict, because this machine has no lamp and its data partition is its own.
The script of a disk installs, because a camera has no login.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from provisioning.device.boot.boot_rom import BootRom, Ended

BOOT_S: Final = 1800.0
_SECTOR: Final = 512
_INSTALL: Final = """
dd if=/dev/disk/by-id/virtio-bundle of=/data/bundle bs=1M 2>/dev/null
truncate -s {size} /data/bundle
echo VM installs
rauc install /data/bundle && echo VM installed
rm /data/bundle; sync
systemctl reboot; sleep 600
"""


@dataclass(slots=True)
class CardInVm:
    """One card in the virtual machine."""

    folder: Path
    card: Path
    rom: BootRom = field(init=False)
    said: list[str] = field(default_factory=list)
    """What the guest said of itself in the last boot."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "key").write_bytes(b"\x5a\xa5" * 16 + bytes(480))
        self.rom = BootRom(self.card)

    def install(self, bundle: Path, cut_after_s: float | None = None) -> Ended:
        """Boot, install a bundle and reboot; or cut the power so long after the install began."""
        return self._boot(_INSTALL.format(size=bundle.stat().st_size), bundle, cut_after_s)

    def boot(self) -> Ended:
        """Boot once, and cut the power when the guest has said which version could arm."""
        return self._boot("", None, None)

    @property
    def version(self) -> str:
        """What the guest said of its version, slot and verdict in the last boot."""
        found = [line for line in self.said if line.startswith("VM version=")]
        return found[-1].removeprefix("VM ") if found else "it said nothing"

    def _boot(self, job: str, bundle: Path | None, cut_after_s: float | None) -> Ended:
        (self.folder / "job").write_bytes(job.encode().ljust(8192, b"\0"))
        disks = [("boardkey", self.folder / "key"), ("job", self.folder / "job")]
        if bundle is not None:
            content = bundle.read_bytes()
            whole = -len(content) // _SECTOR * -_SECTOR
            (self.folder / "bundle.disk").write_bytes(content.ljust(whole, b"\0"))
            disks.append(("bundle", self.folder / "bundle.disk"))
        self.rom.disks, self.said = disks, []
        began_s: list[float] = []
        with (self.folder / "console.log").open("a", encoding="utf-8") as console:

            def hear(line: str) -> bool:
                print(line, file=console, flush=True)
                if "VM " in line:
                    self.said.append(line[line.index("VM ") :])
                if "VM installs" in line:
                    began_s.append(time.monotonic())
                after_s = time.monotonic() - began_s[0] if began_s else 0.0
                late = bool(began_s) and cut_after_s is not None and after_s >= cut_after_s
                return late or "VM end" in line

            return self.rom.boot(hear, BOOT_S)
