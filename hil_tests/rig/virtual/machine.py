"""Boots the image of the virtual board with its own systemd, and runs commands inside.

There is no virtual machine: namespaces of this kernel hold processes, mounts and network. The root
is the image's own, verified and read-only. It needs root, and an image that `make image` made.
"""

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from formats.ledger import Program
from hil_tests.errors import DeskRefused

BOOT: Final = Path(__file__).with_name("boot")
COMMAND_S: Final = 60.0
"""Longest time for one command inside."""


@dataclass(slots=True)
class Machine:
    """One image, and the system that is booted from it."""

    image: Path
    """The folder that `make image` made."""
    folder: Path
    """For everything that this system has of its own: `over` lies over the root, read-only, and
    `data` is the data partition."""
    target: str = "multi-user.target"
    """The unit that systemd starts."""
    _boot: subprocess.Popen[bytes] | None = None

    @property
    def console(self) -> Path:
        """What the system prints while it boots."""
        return self.folder / "console.log"

    def power_on(self) -> None:
        """Begin to boot."""
        with self.console.open("ab") as log:
            command = [str(BOOT), str(self.image), str(self.folder), self.target]
            self._boot = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def power_off(self) -> None:
        """Kill every process inside at once."""
        if self._boot is not None:
            self._boot.kill()  # `boot` asks the kernel to kill everything inside with it.
            self._boot.wait()
            self._boot = None

    def wait_ended(self) -> None:
        """Wait until the system has ended by itself.

        Raises:
            subprocess.TimeoutExpired: it still runs after a minute.
        """
        if self._boot is not None:
            self._boot.wait(COMMAND_S)

    def booted(self) -> bool:
        """Return whether systemd has started all that starts at boot."""
        return self.systemctl("is-system-running") in {"running", "degraded"}

    def run(self, *command: str, user: int = 0) -> str:
        """Run a command inside; return what it printed. Empty before systemd runs.

        Args:
            command: a program of the image, and its words.
            user: number of the user that runs it.

        Raises:
            DeskRefused: the system has ended.
        """
        if self._boot is None or self._boot.poll() is not None:
            raise DeskRefused(f"The virtual camera has ended: see {self.console}.")
        inside = self.first_process()
        if inside is None:
            return ""
        enter = ["nsenter", "-t", str(inside), "-m", "-p", "-n", "-u", "-i", "-C"]
        if user:
            enter += ["-S", str(user), "-G", str(user)]
        done = subprocess.run(
            [*enter, *command], capture_output=True, text=True, timeout=COMMAND_S, check=False
        )
        return (done.stdout + done.stderr).strip()

    def systemctl(self, *words: str) -> str:
        """Run systemctl inside; return what it printed."""
        return self.run("systemctl", *words)

    def unit_property(self, program: Program, key: str) -> str:
        """Return one property of a program's unit."""
        return self.systemctl("show", unit(program), "-p", key, "--value")

    def send_signal(self, program: Program, number: int) -> None:
        """Send a signal to the main process of a program's unit."""
        name = signal.Signals(number).name
        self.systemctl("kill", f"--signal={name}", "--kill-whom=main", unit(program))

    def journal(self, program: Program) -> str:
        """Return the lines that a program's unit wrote into the journal."""
        return self.run("journalctl", "-q", "--no-pager", "-o", "cat", "-u", unit(program))

    def first_process(self) -> int | None:
        """Return the process that is number 1 inside, by its number outside; None before it is."""
        if self._boot is None:
            return None
        pid = self._boot.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        except OSError:
            return None
        return int(children.split()[0]) if children.split() else None


def unit(program: Program) -> str:
    """Return the name of a program's unit."""
    return f"tallylight-{program}.service"
