"""`watch` in the virtual camera: the camera's own program in its own unit, on real picamera2.

Before it looks, it tries in this very process what its sandbox must refuse: a network socket, a
write outside its folders, a device that is not its own, a core dump. The results lie beside its
ledger. Each look is reported to the rig through a local socket, which is the inference marker.
"""

import argparse
import errno
import json
import os
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from firmware import assembly, nets
from firmware.__main__ import exit_code, until_stopped
from firmware.config import Config
from firmware.hardware.camera import PiCamera
from firmware.supervisor import supervisor
from formats.memory import close_memory
from formats.settings import read_settings
from hil_tests.rig.desk.breakable import breakable
from hil_tests.rig.desk.witness import witnessed
from recognition.eye import Eye
from recognition.interpreter import Accelerator

MARKER: Final = "/opt/rig/looks.sock"
"""The rig's local socket for the inference marker."""


def main() -> int:
    """Try what must be refused, then look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--rest-s", type=float, default=0.0)
    parser.add_argument("--fault-file", type=Path, required=True)
    chosen = parser.parse_args()
    return exit_code(lambda: _watch(chosen))


def _watch(chosen: argparse.Namespace) -> None:
    config = read_settings(chosen.config, Config)
    close_memory()
    results = json.dumps({name: _tried(attempt) for name, attempt in _attempts().items()})
    (config.state.watch / "attempts.json").write_text(results, encoding="utf-8")
    marker = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    marker.connect(MARKER)

    def eye(accelerator: Accelerator) -> Eye:
        opened = breakable(nets.open_eye(config, accelerator), chosen.fault_file)
        return witnessed(opened, marker.fileno())

    means = assembly.Means(lambda: PiCamera(_virtual), eye, supervisor(), rest_s=chosen.rest_s)
    assembly.run(config, means, until_stopped())


def _virtual() -> Any:  # noqa: ANN401  # It ships no types.
    from hil_tests.rig.virtual.picamera import VirtualPicamera2  # noqa: PLC0415  # When its turn comes.

    return VirtualPicamera2()


def _attempts() -> dict[str, Callable[[], object]]:
    return {
        "own folder": lambda: Path("/var/lib/tallylight/watch/attempt").write_text("x", "utf-8"),
        "IPv4": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "IPv6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
        "packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        "/etc": lambda: Path("/etc/attempt").write_text("x", "utf-8"),
        "courier": lambda: Path("/var/lib/tallylight/courier/attempt").write_text("x", "utf-8"),
        "receipts": lambda: Path("/var/lib/tallylight/receipts/attempt").write_text("x", "utf-8"),
        "inbox": lambda: Path("/var/lib/tallylight/inbox/attempt").write_text("x", "utf-8"),
        "device": lambda: os.close(os.open("/dev/fuse", os.O_RDWR)),
        "core": lambda: resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20)),
        "core dump": _dump,
        "namespace": lambda: os.unshare(os.CLONE_NEWUSER),  # type: ignore[attr-defined]  # 3.12.
    }


def _tried(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "?")
    except ValueError:  # `resource` raises this for a limit that must not be raised.
        return "EPERM"
    return "done"


def _dump() -> None:
    """Let a child abort; raise if it left no core."""
    child = os.fork()
    if child == 0:
        os.abort()
    _, status = os.waitpid(child, 0)
    if not os.WCOREDUMP(status):
        raise PermissionError(errno.EPERM, "no core")


if __name__ == "__main__":
    sys.exit(main())
