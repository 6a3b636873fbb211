"""Starts the camera's and the estate's programs as processes, with logs, and stops them all."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from hil_tests.errors import DeskRefused

READY_S: Final = 30.0
"""Longest wait for a program to be ready."""
STOP_S: Final = 20.0
"""Longest wait for a program to stop by itself."""


def ending_with_us(command: Sequence[str]) -> list[str]:
    """Return a command whose process gets SIGTERM when this process is gone, even killed."""
    return ["setpriv", "--pdeathsig", "TERM", "--", *command]


@dataclass(slots=True)
class Programs(AbstractContextManager["Programs"]):
    """Processes that end when the context does, the latest first."""

    logs: Path
    """Folder for the log of each program: its standard error."""
    may_end: frozenset[str] = frozenset()
    """Programs that may end by themselves; how they ended is for their starter to judge."""
    _running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(
        self, name: str, command: Sequence[str], *, pipes: Sequence[int] = (), listen: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start one program.

        Args:
            name: of its log.
            command: with its arguments; no shell.
            pipes: descriptors that it inherits.
            listen: whether its standard output comes back through a pipe; otherwise to its log.
        """
        with self._log(name) as log:
            process = subprocess.Popen(
                ending_with_us(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if listen else log,
                stderr=log,
                pass_fds=pipes,
                start_new_session=True,  # Ctrl-C goes to the rig, which stops all in order.
            )
        self._running.append((name, process))
        return process

    def said(self, name: str) -> str:
        """Return what a program wrote on standard error."""
        return (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def last_line(self, name: str) -> str:
        """Return the last line that a program has said on standard error."""
        lines = self.said(name).strip().splitlines()
        return lines[-1] if lines else "it said nothing."

    def alive(self) -> None:
        """Check that all programs run that may not end.

        Raises:
            DeskRefused: one has ended; the message has its last line.
        """
        for name, process in self._running:
            if process.poll() is not None and name not in self.may_end:
                raise DeskRefused(f"{name} ended: {self.last_line(name)}")

    def await_ready(self, what: str, ready: Callable[[], bool]) -> None:
        """Wait until `ready` returns true.

        Raises:
            DeskRefused: it does not within `READY_S`, or a program ended.
        """
        until_s = time.monotonic() + READY_S
        while not ready():
            self.alive()
            if time.monotonic() > until_s:
                raise DeskRefused(f"{what} did not get ready: see {self.logs}.")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop all programs, the latest first."""
        while self._running:
            _, process = self._running.pop()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _log(self, name: str) -> IO[bytes]:
        self.logs.mkdir(parents=True, exist_ok=True)
        return (self.logs / f"{name}.log").open("wb")


def find_program(name: str) -> str:
    """Return the path of a program of the system.

    Raises:
        DeskRefused: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise DeskRefused(f"There is no {name} here: install mosquitto and mosquitto-clients.")
    return path


def choose_port(wanted: int) -> int:
    """Return a free port of the loopback address: the one wanted, or any when that is 0.

    Raises:
        DeskRefused: the port is taken, or only root may open it.
    """
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", wanted))
        except PermissionError as error:
            raise DeskRefused(f"Port {wanted} is root's: choose one above 1023.") from error
        except OSError as error:
            raise DeskRefused(
                f"Port {wanted} is taken: stop what uses it, or choose another with PORT=."
            ) from error
        return int(trial.getsockname()[1])
