"""The virtual camera: the units of a camera under their own systemd, and the rig that watches them.

The root file system is what `make_root` made; over it lie the camera's wheel, units, keys and a
signed list. Only the ends are the rig's: the lamp's lines, and which program a unit starts, so that
the lines can be simulated and picamera2 finds its virtual camera.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from formats.ledger import Happening, Record
from hil_tests.errors import DeskRefused
from hil_tests.rig.desk.pins import Board, PinServer
from hil_tests.rig.desk.site_maker import DeskSite

HERE: Final = Path(__file__).parent
SOURCE: Final = HERE.parents[2]
UNITS: Final = SOURCE / "provisioning" / "device" / "image" / "systemd"
STATE: Final = Path("var/lib/tallylight")
PYTHON: Final = "/opt/tallylight/bin/python3"
CONFIG: Final = "/etc/tallylight/camera.toml"
BOOT_S: Final = 60.0
DROP_IN: Final = """[Service]
Environment=PYTHONPATH=/opt/source PYTHONDONTWRITEBYTECODE=1
ExecStart=
ExecStart={python} -m hil_tests.rig.virtual.{program} --config {config} {words}
"""
COMMAND: Final = f"#!{PYTHON}\nimport sys\nfrom firmware.__main__ import main\nsys.exit(main())\n"


@dataclass(slots=True)
class VirtualCamera(AbstractContextManager["VirtualCamera"]):
    """A booted camera. A context manager."""

    root: Path
    folder: Path
    """For everything that this camera changes."""
    desk: DeskSite
    """A site with a list for this camera."""
    board: Board = field(default_factory=Board)
    _open: ExitStack = field(default_factory=ExitStack)
    _boot: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._install()
        rig = self.folder / "rig"
        rig.mkdir(mode=0o755)
        self._open.enter_context(PinServer(self.board, rig / "pins.sock"))
        log = self._open.enter_context((self.folder / "console.log").open("wb"))
        boot = [str(HERE / "boot"), str(self.root), str(self.folder)]
        self._boot = subprocess.Popen(boot, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.until(lambda: self.shows("lampguard", "ActiveState") == "active")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._boot is not None:
            self._boot.kill()  # And with it, as `boot` asks, everything inside.
            self._boot.wait()
        self._open.close()

    def run(self, *command: str) -> str:
        """Run a command inside; return what it printed."""
        assert self._boot is not None
        if self._boot.poll() is not None:
            raise DeskRefused(f"The virtual camera has ended: see {self.folder}/console.log.")
        inside = self._inside()
        if inside is None:
            return ""  # It is only just beginning.
        enter = ["nsenter", "-t", str(inside), "-m", "-p", "-n", "-u", "-i", "-C"]
        done = subprocess.run(
            [*enter, *command], capture_output=True, text=True, timeout=60, check=False
        )
        return (done.stdout + done.stderr).strip()

    def systemctl(self, *words: str) -> str:
        """Run systemctl inside; return what it printed."""
        return self.run("systemctl", *words)

    def shows(self, unit: str, key: str) -> str:
        """Return one property of a unit."""
        return self.systemctl("show", f"tallylight-{unit}", "-p", key, "--value")

    def kill(self, unit: str, number: signal.Signals) -> None:
        """Send a signal to a unit's main process."""
        self.systemctl("kill", f"--signal={number.name}", "--kill-whom=main", f"tallylight-{unit}")

    def journal(self, unit: str) -> str:
        """Return what a unit has said."""
        return self.run("journalctl", "-q", "--no-pager", "-u", f"tallylight-{unit}", "-n", "30")

    def file(self, name: str) -> Path:
        """Return a file of the camera's state, as the rig sees it."""
        return self.folder / "over" / STATE / name

    def records(self, program: str) -> list[Record]:
        """Return a program's ledger."""
        path = self.file(f"{program}/ledger.jsonl")
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [Record.from_line(line) for line in lines]

    def count(self, program: str, happening: Happening) -> int:
        """Return how often a ledger says something."""
        return sum(record.event is happening for record in self.records(program))

    def until(self, holds: Callable[[], object], *, within_s: float = BOOT_S) -> float:
        """Wait until something holds; return how long it took, in seconds.

        Raises:
            DeskRefused: it does not in time.
        """
        began_s = time.monotonic()
        while not holds():
            if time.monotonic() - began_s > within_s:
                raise DeskRefused(f"It did not happen within {within_s:.0f} s.")
            time.sleep(0.02)
        return time.monotonic() - began_s

    def _inside(self) -> int | None:
        """Return the process that is number 1 inside."""
        assert self._boot is not None
        pid = self._boot.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def _install(self) -> None:
        over = self.folder / "over"
        site_packages = over / "opt/tallylight/lib/python3.13/site-packages"
        (wheel,) = (SOURCE / "build" / "wheel").glob("*.whl")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
        subprocess.run([*pip, "--target", str(site_packages), str(wheel)], check=True)
        command = over / "opt/tallylight/bin/tallylight-camera"
        command.parent.mkdir(parents=True)
        command.write_text(COMMAND, encoding="utf-8")
        command.chmod(0o755)
        self._install_units(over / "etc")
        self._install_site(over)

    def _install_units(self, etc: Path) -> None:
        system = etc / "systemd" / "system"
        wanted = system / "multi-user.target.wants"
        wanted.mkdir(parents=True)
        for unit in UNITS.glob("*.service"):
            shutil.copy(unit, system)
            (wanted / unit.name).symlink_to(f"../{unit.name}")
        for part in ("sysusers.d", "tmpfiles.d"):
            shutil.copytree(UNITS / part, etc / part)
        dark = f"ExecStopPost=\nExecStopPost={PYTHON} -m hil_tests.rig.virtual.lampguard --dark"
        lampguard = f"{dark} --config {CONFIG}\n"
        for program, words, more in (("lampguard", "", lampguard), ("watch", "--rest-s 1", "")):
            place = system / f"tallylight-{program}.service.d"
            place.mkdir()
            text = DROP_IN.format(python=PYTHON, program=program, config=CONFIG, words=words)
            (place / "rig.conf").write_text(text + more, encoding="utf-8")

    def _install_site(self, over: Path) -> None:
        etc, state, desk = over / "etc/tallylight", over / STATE, self.desk
        etc.mkdir()
        shutil.copytree(desk.models, etc / "models")
        shutil.copy(desk.model_key, etc / "models.pub")
        shutil.copy(desk.site / "root.json", etc / "root.json")
        shutil.copy(desk.broker / "ca.pem", etc / "broker.pem")
        for name in ("watch", "courier", "lampguard", "inbox"):
            shutil.copytree(desk.camera / name, state / name)
        shutil.copy(desk.camera / "enrolment.json", state)
        (state / "enrolment.json").chmod(0o644)
        for path in (state / "inbox", *(state / "inbox").rglob("*"), etc, *etc.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        (etc / "camera.toml").write_text(
            f"state_folder = '/{STATE}'\nmodels = '/etc/tallylight/models'\n"
            "model_key = '/etc/tallylight/models.pub'\naccelerator = 'cpu'\n"
            "trusted_root = '/etc/tallylight/root.json'\n"
            "lamp_socket = '/run/tallylight-lamp/lamp.sock'\nlamp_eye = 'photodiode'\n"
            "broker_host = 'localhost'\n"
            "broker_port = 8883\nbroker_ca = '/etc/tallylight/broker.pem'\n",
            encoding="utf-8",
        )
