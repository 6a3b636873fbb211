"""`watch` on a desk: the camera's own program with a desk source and a witness."""

import argparse
import sys
from pathlib import Path

from firmware import station
from firmware.__main__ import exit_code, until_stopped
from firmware.config import Config
from formats.settings import read_settings
from hil_tests.desk.errors import DeskRefused
from hil_tests.desk.sources import open_source
from hil_tests.desk.witness import witnessed


def main() -> int:
    """Look at the source named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--witness", type=int, help="descriptor of the rig's pipe")
    chosen = parser.parse_args()
    return exit_code(lambda: _watch(chosen))


def _watch(chosen: argparse.Namespace) -> None:
    config = read_settings(chosen.config, Config)
    eye = station.open_eye(config)
    if chosen.witness is not None:
        eye = witnessed(eye, chosen.witness)
    station.run(config, open_source(chosen.source), eye, until_stopped())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DeskRefused as refusal:
        sys.exit(str(refusal))
