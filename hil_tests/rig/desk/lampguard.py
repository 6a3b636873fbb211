"""`lampguard` on the desk: the camera's own program on simulated GPIO lines."""

import argparse
import os
import sys
from pathlib import Path

from gpiozero.pins.pigpio import PiGPIOFactory

from firmware.__main__ import exit_code, until_stopped
from firmware.config import Config
from firmware.guard.lampguard import run
from firmware.guard.leases import Users
from firmware.hardware.pins import GpioPins
from firmware.supervisor import supervisor
from formats.settings import read_settings


def main() -> int:
    """Own the lamp whose lines are served on the port named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--pins", type=int, required=True, help="port of the simulated lines")
    chosen = parser.parse_args()
    return exit_code(lambda: _guard(chosen))


def _guard(chosen: argparse.Namespace) -> None:
    config = read_settings(chosen.config, Config)

    def open_pins() -> GpioPins:
        return GpioPins(PiGPIOFactory("127.0.0.1", chosen.pins), config.lamp_eye)

    run(config, open_pins, Users(os.getuid()), until_stopped(), supervisor())


if __name__ == "__main__":
    sys.exit(main())
