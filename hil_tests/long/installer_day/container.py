"""A camera of the day in the container form: a card, a data folder, the lamp's lines, a cable.

The root is the slot that the card's `autoboot.txt` names, byte for byte, booted by its own systemd.
Over it lie the rig's programs, which have simulated lines and prepared pictures, and a number in
place of the board's serial number. A network link leads to this machine.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from formats.lamp_record import Edge, blinks_of
from formats.ledger import Happening, Program, Record
from hil_tests.rig.contract import read_records
from hil_tests.rig.desk.pins import Board, PinServer
from hil_tests.rig.virtual.machine import Machine
from hil_tests.rig.virtual.overlay import CONFIG, HOOKS, PACKAGES, PYTHON, SOURCE
from provisioning.device.boot.boot_rom import chosen_partition, partition_starts, read_file

BOOT_S: Final = 240.0
"""Longest boot on a busy machine."""
RIG_PROGRAMS: Final = {
    "register": ("register", "register --dark"),
    "lampguard": ("lampguard", "lampguard --dark"),
    "watch": ("prepared_watch", ""),
}
"""Units whose program runs on simulated devices: its module, and what runs after it."""
_TESTS: Final = shutil.ignore_patterns("tests", "__pycache__")
_MIB: Final = 1024 * 1024


@dataclass(slots=True)
class DayCamera:
    """One camera."""

    number: int
    folder: Path
    card: Path
    pictures: Path
    """What it sees, as image files."""
    board: Board = field(default_factory=Board)
    machine: Machine = field(init=False)
    id: str = ""
    """Once it is registered."""
    bridged: bool = False
    """Whether its cable leads to the site's network, and no longer to the installer's bench."""
    _pins: PinServer | None = None

    def __post_init__(self) -> None:
        self.machine = Machine(self.folder / "slot", self.folder)

    @property
    def serial(self) -> str:
        """The number that stands on the board."""
        return f"{self.number:032x}"

    @property
    def link(self) -> str:
        """The name of this machine's end of the cable."""
        return f"cable{self.number}"

    @property
    def state(self) -> Path:
        """The camera's state folder, from outside."""
        return self.folder / "data" / "tallylight"

    def power_on(self) -> None:
        """Boot the slot that the card names, and plug the cable in."""
        self._read_card()
        self._write_overlay()
        if self._pins is None:
            (self.folder / "rig" / "pins.sock").unlink(missing_ok=True)
            self._pins = PinServer(self.board, self.folder / "rig" / "pins.sock")
            self._pins.__enter__()
        self.machine.power_on()
        self.wait("network", self._has_network)
        self._plug_in()
        self.wait("boot", self.machine.booted, BOOT_S)

    def power_off(self) -> None:
        """Cut the power: everything inside is gone at once."""
        self.machine.power_off()
        self.board.cut_power()

    def close(self) -> None:
        """Cut the power, and take the lines away."""
        self.power_off()
        if self._pins is not None:
            self._pins.__exit__()
            self._pins = None

    def wait(self, what: str, happened: Callable[[], bool], within_s: float = 120.0) -> None:
        """Wait until something has happened.

        Raises:
            AssertionError: it has not, within this time.
        """
        until_s = time.monotonic() + within_s
        while not happened():
            assert time.monotonic() < until_s, f"camera {self.number}: no {what}: {self.folder}"
            time.sleep(0.2)

    def records(self, program: Program) -> list[Record]:
        """Return all records of a program's ledger."""
        return read_records(self.state / program / "ledger.jsonl")

    def looks(self) -> int:
        """Return how often `watch` has begun to look in light."""
        records = self.records(Program.WATCH)
        return sum(one.event is Happening.PERIOD_BEGIN for one in records)

    def code_since(self, at_ns: int) -> tuple[int, ...]:
        """Return the code that a person has seen the lamp blink since a moment."""
        seen = [one for one in self.board.shone if one.at_ns >= at_ns]
        first = next((n for n, one in enumerate(seen) if one.high), len(seen))
        return blinks_of([Edge(one.at_ns // 1_000_000, one.high) for one in seen[first:]])

    def version(self) -> str:
        """Return the version of the image that runs."""
        image = self.machine.run("cat", "/usr/lib/tallylight/image.json")
        return str(json.loads(image)["version"])

    def join_site(self) -> None:
        """Take the cable from the bench to the site's network."""
        self.bridged = True
        ip("link", "set", self.link, "master", "site")

    def _read_card(self) -> None:
        """Copy the committed slot from the card, as the boot ROM finds it."""
        slot, bootfs = self.folder / "slot", self.folder / "bootfs"
        for each in (slot, bootfs):
            each.mkdir(parents=True, exist_ok=True)
        starts = partition_starts(self.card)
        auto = read_file(self.card, starts[1], "autoboot.txt")
        (bootfs / "autoboot.txt").write_bytes(auto)
        partition = chosen_partition(auto, tryboot=False)
        (self.folder / "booted").write_text({2: "a", 3: "b"}[partition] + "\n")
        for start, size, to in (
            (starts[partition], 64 * _MIB, slot / "boot.vfat"),
            (starts[partition + 2], 512 * _MIB, slot / "system.img"),
        ):
            words = [f"skip={start}", f"count={size}", "iflag=skip_bytes,count_bytes", "bs=1M"]
            command = ["dd", f"if={self.card}", f"of={to}", *words, "conv=sparse", "status=none"]
            subprocess.run(command, check=True)

    def _write_overlay(self) -> None:
        over = self.folder / "over"
        shutil.rmtree(over, ignore_errors=True)
        for place in ("rig", "hooks", "packages"):
            (over / "opt" / place).mkdir(parents=True)
        (self.folder / "rig").mkdir(exist_ok=True)
        shutil.copytree(self.pictures, self.folder / "rig" / "pictures", dirs_exist_ok=True)
        hooks = self.folder / "hooks" / "hil_tests"
        if not hooks.exists():
            shutil.copytree(SOURCE / "hil_tests", hooks, ignore=_TESTS)
            (self.folder / "packages").symlink_to(PACKAGES)
        system = over / "etc/systemd/system"
        system.mkdir(parents=True)
        (over / "etc/machine-id").write_text(self.serial + "\n", encoding="ascii")
        for unit, (program, after) in RIG_PROGRAMS.items():
            drop_ins = system / f"tallylight-{unit}.service.d"
            drop_ins.mkdir()
            (drop_ins / "rig.conf").write_text(_drop_in(program, after), encoding="utf-8")

    def _has_network(self) -> bool:
        """Return whether the system has a network of its own; before, its root is verified."""
        inside = self.machine.first_process()
        try:
            own = Path(f"/proc/{inside}/ns/net").readlink()
        except OSError:
            return False
        return own != Path("/proc/self/ns/net").readlink()

    def _plug_in(self) -> None:
        """Lay a cable between this machine and the camera's Ethernet port."""
        subprocess.run(["ip", "link", "del", self.link], check=False, capture_output=True)
        inside = str(self.machine.first_process())
        camera = ("address", f"02:00:00:00:00:{self.number:02x}", "netns", inside)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", *camera)
        ip("link", "set", self.link, "addrgenmode", "eui64", "up")
        if self.bridged:
            self.join_site()


def _drop_in(program: str, after: str) -> str:
    module = f"{PYTHON} -m hil_tests.rig.virtual."
    lines = [
        "[Service]",
        f"Environment=PYTHONPATH={HOOKS}:/opt/packages PYTHONDONTWRITEBYTECODE=1",
        "ExecStart=",
        f"ExecStart={module}{program} --config {CONFIG}",
    ]
    if after:
        lines += ["ExecStopPost=", f"ExecStopPost={module}{after} --config {CONFIG}"]
    return "\n".join(lines) + "\n"


def ip(*words: str) -> None:
    """Change a network link of this machine."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)
