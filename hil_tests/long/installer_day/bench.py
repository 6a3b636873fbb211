"""The installer's bench: cables to new cameras, the laptop's program, and the person who looks.

The person reads the number of blinks from the lamp that the program names, and types it. Laptop and
cameras can lose their power at any moment.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from formats.errors import FormatError
from hil_tests.long.installer_day.container import DayCamera
from hil_tests.long.installer_day.desk import BROKER, Desk

LOOK: Final = re.compile(rb"Look at (\S+), camera (\S+): it blinks")
QUESTION: Final = b"(nothing: see it again)"
REGISTERED_S: Final = 900.0
"""Longest registration of all cameras: a code takes 15 to 40 s, and each power cut one more."""


@dataclass(slots=True)
class Laptop:
    """`tallylight register cameras`, and the person in front of it."""

    desk: Desk
    cameras: Sequence[DayCamera]
    heard: bytes = b""
    _program: subprocess.Popen[bytes] | None = None
    _looked_at: tuple[DayCamera, int] | None = None
    """The camera that was named last, and when."""
    typed: int = 0
    """How many codes were typed."""
    said: list[str] = field(default_factory=list)

    def start(self, count: int) -> None:
        """Start the program for so many cameras."""
        links = [word for each in self.cameras for word in ("--link", each.link)]
        words = [
            *("register", "cameras", str(self.desk.site)),
            *("--key", str(self.desk.folder / "installer.key")),
            *("--passphrase-file", str(self.desk.passphrase), "--host", BROKER),
            *("--address", "192.0.2.21/24", "--training", "--count", str(count), *links),
        ]
        self._program = subprocess.Popen(
            [sys.executable, "-u", "-m", "provisioning", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self._program.stderr is not None
        os.set_blocking(self._program.stderr.fileno(), False)
        self.heard, self._looked_at = b"", None

    def kill(self) -> None:
        """Switch the laptop off."""
        if self._program is not None:
            self._program.kill()
            self._program.wait()

    def attend(self) -> bool:
        """Look and type, as the program asks; return whether it still runs."""
        assert self._program is not None
        assert self._program.stderr is not None
        new = self._program.stderr.read() or b""
        self.heard += new
        self.said += new.decode("utf-8", "replace").splitlines()
        while (look := LOOK.search(self.heard)) is not None:
            (camera,) = (each for each in self.cameras if each.link == look[1].decode())
            self._looked_at = (camera, time.monotonic_ns())
            self.heard = self.heard[look.end() :]
        if QUESTION in self.heard and self._looked_at is not None:
            self.heard = self.heard.partition(QUESTION)[2]
            self._type(*self._looked_at)
        return self._program.poll() is None

    def attend_for(self, seconds: float) -> bool:
        """Attend for a while; return whether the program still runs."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            if not self.attend():
                return False
            time.sleep(0.1)
        return True

    def attend_to_the_end(self) -> None:
        """Attend until all cameras are registered.

        Raises:
            AssertionError: they are not, within `REGISTERED_S`.
        """
        assert not self.attend_for(REGISTERED_S), self.said[-5:]
        assert self._program is not None
        assert self._program.returncode == 0, self.said[-5:]

    def _type(self, camera: DayCamera, since_ns: int) -> None:
        assert self._program is not None
        assert self._program.stdin is not None
        try:
            code = camera.code_since(since_ns)
        except FormatError:  # The camera lost its power in the middle: see it again.
            code = ()
        self.typed += bool(code)
        self._program.stdin.write(" ".join(map(str, code)).encode() + b"\n")
        self._program.stdin.flush()


def registered_ids(desk: Desk) -> dict[str, str]:
    """Return the registered cameras' ids by their boards' serial numbers."""
    found = json.loads(desk.tallylight("register", "list", desk.site, "--json"))["cameras"]
    return {one["board"]: one["camera"] for one in found}


def labels(desk: Desk) -> list[Path]:
    """Return the labels that were drawn."""
    return sorted((desk.site / "registrations" / "labels").rglob("*.pdf"))
