"""`lampguard` in the virtual camera: the camera's own program in its own unit, on simulated lines.

Its sandbox has no network, so the GPIO lines are served on a local socket in the rig's folder. With
`--dark` it does what `tallylight-camera dark` does: it opens the lines, which puts the lamp out.
"""

import argparse
import pwd
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pigpio
from gpiozero.pins.pigpio import PiGPIOFactory

from firmware.__main__ import exit_code, until_stopped
from firmware.config import Config
from firmware.guard.lampguard import run
from firmware.guard.leases import Users
from firmware.hardware.pins import GpioPins
from firmware.program_lock import only_one
from firmware.supervisor import supervisor
from formats.ledger import Program
from formats.settings import read_settings

LINES: Final = "/opt/rig/pins.sock"
HOLDER: Final = "tallylight-watch"


class _Line(socket.socket):
    """A local socket where pigpio expects one with Nagle's algorithm to switch off."""

    def setsockopt(self, *_: object) -> None:
        """Do nothing: there is no such algorithm here."""


def _dial(_address: tuple[str, int], _timeout: float | None = None) -> socket.socket:
    line = _Line(socket.AF_UNIX, socket.SOCK_STREAM)
    line.connect(LINES)
    return line


def dial_the_rig() -> None:
    """Let gpiozero find the rig's lines where it looks for pigpio's daemon."""
    pigpio.socket = SimpleNamespace(**{**vars(socket), "create_connection": _dial})


def main() -> int:
    """Guard the lamp, or switch it off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--dark", action="store_true")
    chosen = parser.parse_args()
    return exit_code(lambda: _guard(chosen.config, dark=chosen.dark))


def _guard(config: Path, *, dark: bool) -> None:
    dial_the_rig()
    settings = read_settings(config, Config)

    def open_pins() -> GpioPins:
        return GpioPins(PiGPIOFactory(), settings.lamp_eye)

    if dark:
        with only_one(settings.state.lampguard, Program.LAMPGUARD), open_pins():
            return
    users = Users(pwd.getpwnam(HOLDER).pw_uid)
    run(settings, open_pins, users, until_stopped(), supervisor())


if __name__ == "__main__":
    sys.exit(main())
