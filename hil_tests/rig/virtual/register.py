"""`register` in the virtual camera: the camera's own program in its own unit, on simulated lines.

With `--dark` it does what `tallylight-camera dark` does. The lines are served on a local socket in
the rig's folder; the link to the laptop is a real one of the kernel's.
"""

import argparse
import sys
from pathlib import Path

from gpiozero.pins.pigpio import PiGPIOFactory

from firmware.__main__ import exit_code, until_stopped
from firmware.config import Config
from firmware.hardware.pins import GpioPins
from firmware.program_lock import only_one
from firmware.registration.listener import LINKS, run
from firmware.supervisor import supervisor
from formats.ledger import Program
from formats.settings import read_settings
from hil_tests.rig.virtual.lampguard import dial_the_rig


def main() -> int:
    """Let a laptop register this camera, or switch the lamp off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--dark", action="store_true")
    chosen = parser.parse_args()
    return exit_code(lambda: _register(chosen.config, dark=chosen.dark))


def _register(config: Path, *, dark: bool) -> None:
    dial_the_rig()
    settings = read_settings(config, Config)

    def open_pins() -> GpioPins:
        return GpioPins(PiGPIOFactory(), settings.lamp_eye)

    if dark:
        with only_one(settings.state.lampguard, Program.LAMPGUARD), open_pins():
            return
    run(settings, LINKS, open_pins, until_stopped(), supervisor())


if __name__ == "__main__":
    sys.exit(main())
