"""`watch` on the desk: the camera's own program, with a source of frames and the witness."""

import argparse
import sys
from pathlib import Path

from firmware.__main__ import exit_code, until_stopped
from firmware.config import Config
from firmware.left_out import leave_out
from firmware.supervisor import supervisor
from formats.memory import close_memory
from formats.settings import read_settings
from hil_tests.errors import DeskRefused


def main() -> int:
    """Look at the source named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--rest-s", type=float, default=0.0)
    parser.add_argument("--fault-file", type=Path, help="file that names an inference fault")
    parser.add_argument("--witness", type=int, help="pipe of the inference marker")
    chosen = parser.parse_args()
    return exit_code(lambda: _watch(chosen))


def _watch(chosen: argparse.Namespace) -> None:
    leave_out()  # As `tallylight-camera watch` does, before the imports of its parts.
    from firmware import assembly, nets  # noqa: PLC0415
    from hil_tests.rig.desk.breakable import breakable  # noqa: PLC0415
    from hil_tests.rig.desk.witness import witnessed  # noqa: PLC0415
    from hil_tests.scenes.sources import open_source  # noqa: PLC0415
    from recognition.eye import Eye  # noqa: PLC0415
    from recognition.interpreter import Accelerator  # noqa: PLC0415

    config = read_settings(chosen.config, Config)
    close_memory()

    def eye(accelerator: Accelerator) -> Eye:
        opened = nets.open_eye(config, accelerator)
        if chosen.fault_file is not None:
            opened = breakable(opened, chosen.fault_file)
        return opened if chosen.witness is None else witnessed(opened, chosen.witness)

    source = open_source(chosen.source)
    means = assembly.Means(lambda: source, eye, supervisor(), rest_s=chosen.rest_s)
    assembly.run(config, means, until_stopped())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DeskRefused as refusal:
        sys.exit(str(refusal))
